import { beforeEach, describe, expect, it } from '@jest/globals';
import { Bag } from './bag.js';

describe('Bag', () => {
  const item = (name: string) => ({ name, bagIndex: -1 });
  const [a, b, c] = [item('a'), item('b'), item('c')];
  let bag: Bag<ReturnType<typeof item>>;
  beforeEach(() => {
    bag = new Bag();
    for (const each of [a, b, c]) bag.add(each);
  });

  const names = () => [...bag].map(({ name }) => name).sort();

  it('has what was added and not deleted', () => {
    bag.delete(a);
    expect([bag.has(a), bag.has(b), bag.has(c)]).toEqual([false, true, true]);
    expect([bag.size, names()]).toEqual([2, ['b', 'c']]);
    bag.delete(c);
    bag.delete(b);
    expect([bag.size, names()]).toEqual([0, []]);
  });

  it('lets go of an item once', () => {
    bag.delete(b);
    bag.delete(b);
    bag.delete(item('a'));
    expect(names()).toEqual(['a', 'c']);
  });

  it('goes through all that are in it, even if they leave meanwhile', () => {
    const seen: string[] = [];
    for (const each of bag) {
      seen.push(each.name);
      bag.delete(a);
      bag.delete(b);
    }
    expect(seen.sort()).toEqual(['a', 'b', 'c']);
    expect(names()).toEqual(['c']);
  });
});
