import { describe, expect, it } from '@jest/globals';
import { LockOptionsError } from '../../lock.errors.js';
import { ownTag } from '../../stores/redis/redis-keys.js';
import { fenceKeyOf } from './fence-key.js';

const hashedPartOf = (key: string): string => ownTag(key) ?? key;

describe('the key of a fence', () => {
  it.each([
    ['{account:7}:balance', '', '{account:7}:balance:fence:{account:7}'],
    ['balance', '', 'balance:fence:{balance}'],
    ['{a{b}c}', '', '{a{b}c}:fence:{a{b}'],
    ['a}b{c}', '', 'a}b{c}:fence:{c}'],
    ['balance', 'app:', 'balance:fence:{app:balance}'],
    ['{account:7}:balance', 'app:', '{account:7}:balance:fence:{account:7}'],
    ['balance', '{app}:', 'balance:fence:{app}'],
    ['{account:7}:balance', '{app}:', '{account:7}:balance:fence:{app}'],
    ['{t}', 'a}', '{t}:fence:{t}'],
    ['b}c', 'a{', 'b}c:fence:{b}'],
  ])('shares the slot of %s after the prefix "%s": %s', (key, prefix, fence) => {
    expect(fenceKeyOf(key, prefix)).toBe(fence);
    expect(hashedPartOf(prefix + fence)).toBe(hashedPartOf(prefix + key));
  });

  it.each([
    ['a}b', ''],
    ['a{b', ''],
    ['{}a', ''],
    ['a{}b{c}', ''],
    ['}{', ''],
    ['balance', '{}'],
    ['c', 'a{b'],
    ['balance', 'a}'],
  ])('cannot share the slot of %s after the prefix "%s"', (key, prefix) => {
    expect(() => fenceKeyOf(key, prefix)).toThrow(LockOptionsError);
  });

  it('is refused with the key, the prefix, and what to write instead', () => {
    expect(() => fenceKeyOf('a}b')).toThrow(
      'The key "a}b" cannot be fenced: its braces let no other key share its slot in a Redis Cluster. ' +
        `Put a tag before every other brace, as in '{account:7}:balance', or leave the braces out.`,
    );
    expect(() => fenceKeyOf('balance', '{}')).toThrow(
      `The key "balance" (after the client's keyPrefix "{}") cannot be fenced`,
    );
  });

  it('is the same wherever a prefix ends, so that clients with and without one share it', () => {
    for (const key of ['app:balance', '{account:7}:balance', 'app:{account:7}:balance', 'a{b}c']) {
      const fences = Array.from(key, (_, end) => {
        const prefix = key.slice(0, end);
        return prefix + fenceKeyOf(key.slice(end), prefix);
      });
      expect(new Set(fences)).toEqual(new Set([fenceKeyOf(key)]));
    }
  });

  it('is another for every key', () => {
    const keys = ['a', '{a}', 'a:a', '{a}:a', '{a}a', 'a:{a}', 'a:fence:{a}', '{a}:fence:'];
    expect(new Set(keys.map((key) => fenceKeyOf(key))).size).toBe(keys.length);
  });
});
