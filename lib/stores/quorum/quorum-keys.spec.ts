import { describe, expect, it } from '@jest/globals';
import { QuorumKeySpace } from './quorum-keys.js';

describe('QuorumKeySpace', () => {
  const keys = new QuorumKeySpace('lock');

  it('tells the name of a lease from its key, whatever is in the name', () => {
    for (const name of ['invoice:42', '', 'a:lease:b', '{x}', 'a\0b', 'lock:quorum:lease:c']) {
      expect(keys.nameOf(keys.of(name).lease)).toBe(name);
    }
  });

  it('keeps what belongs to a name apart from everything else', () => {
    const { lease, waiters, forced, counter } = keys.of('a');
    const all = [lease, waiters, forced, counter, keys.marker, keys.channel];
    expect(new Set(all).size).toBe(6);
    expect(all.every((key) => key.startsWith('lock:quorum:'))).toBe(true);
    expect(new QuorumKeySpace('other').of('a').lease).not.toBe(lease);
  });

  it('has one counter for many names', () => {
    const counters = new Set(Array.from({ length: 5_000 }, (_, i) => keys.of(`n${i}`).counter));
    expect(counters.size).toBe(256);
    expect(new Set(keys.counters)).toEqual(counters);
  });
});
