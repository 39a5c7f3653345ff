import { describe, expect, it } from '@jest/globals';

import { LockKeyError } from '../lock.errors.js';
import { checkLockName, hasLoneSurrogate } from './lock-name.js';

function errorOf(work: () => unknown): LockKeyError {
  try {
    work();
  } catch (error) {
    if (error instanceof LockKeyError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

const messageOf = (name: unknown) => errorOf(() => checkLockName(name)).message;

describe('checkLockName', () => {
  it.each([
    'invoice:42',
    'Invoice:42',
    'e\u0301',
    '\u00e9',
    ' ',
    '"\'`',
    '{tenant}:{}',
    '\0',
    '\n',
    '__proto__',
    '🔒',
    'undefined',
  ])('takes %j exactly as it is', (name) => {
    expect(checkLockName(name)).toBe(name);
  });

  it.each([
    [undefined, 'undefined'],
    [null, 'null'],
    [42, '42'],
    [Symbol('x'), 'Symbol(x)'],
    [['a'], '[Array]'],
    [{ a: 1 }, '[Object]'],
    [Object('a'), "[String: 'a']"],
  ])('refuses what is no string: %p', (name, shown) => {
    expect(messageOf(name)).toBe(
      `The lock name ${shown} is no string. Write a name such as 'invoice:42'.`,
    );
  });

  it('refuses the empty string', () => {
    expect(messageOf('')).toBe(`The lock name "" is empty. Write a name such as 'invoice:42'.`);
  });

  it.each(['a\ud83d', '\udd12a', '\udd12\ud83d', 'a\ud83db'])(
    'refuses a lone surrogate: %j',
    (name) => {
      expect(messageOf(name)).toContain(
        `The lock name ${JSON.stringify(name)} has half of a surrogate pair`,
      );
      expect(messageOf(name)).toContain('call toWellFormed()');
    },
  );

  it.each([
    ['a', 4096],
    ['é', 2048],
    ['€', 1365],
    ['🔒', 1024],
  ])('takes %s as often as 4096 bytes of UTF-8 allow, and not once more', (character, times) => {
    expect(checkLockName(character.repeat(times))).toHaveLength(character.length * times);
    const bytes = Buffer.byteLength(character) * (times + 1);
    expect(messageOf(character.repeat(times + 1))).toBe(
      `The lock name "${character.repeat(60)}…" has ${bytes} bytes of UTF-8, more than the 4096 ` +
        'allowed. Use an id instead of the content, or a hash of it.',
    );
  });
});

describe('hasLoneSurrogate', () => {
  it('tells halves from pairs', () => {
    expect(hasLoneSurrogate('a🔒b')).toBe(false);
    expect(hasLoneSurrogate('🔒'.slice(0, 1))).toBe(true);
    expect(hasLoneSurrogate('🔒'.slice(1))).toBe(true);
  });
});
