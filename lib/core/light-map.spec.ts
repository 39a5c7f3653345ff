import { expect, it } from '@jest/globals';
import { LightMap } from './light-map.js';

it('LightMap has what was set last and not deleted, under any name', () => {
  const map = new LightMap<number>();
  for (const name of ['a', 'b', '__proto__', '']) map.set(name, name.length);
  map.set('a', 10);
  map.delete('b');
  map.delete('c');
  map.set('d', 4);
  const names = ['a', 'b', 'c', 'd', '__proto__', '', 'constructor'];
  const values = names.map((name) => map.get(name));
  expect(values).toEqual([10, undefined, undefined, 4, 9, 0, undefined]);
});
