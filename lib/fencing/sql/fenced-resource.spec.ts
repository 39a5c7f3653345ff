import { describe, expect, it } from '@jest/globals';
import { LockKeyError } from '../../lock.errors.js';
import { checkResource, checkRowKey } from './fenced-resource.js';

describe('a resource', () => {
  it.each(['invoice:42', ' ', '\n', '🔒', 'e\u0301', '__proto__', 'x'.repeat(1024)])(
    '%p is taken as it is',
    (resource) => {
      expect(checkResource(resource, 'postgres')).toBe(resource);
      expect(checkResource(resource, 'mysql')).toBe(resource);
    },
  );

  it.each<[unknown, string]>([
    ['', `The resource "" is empty. Write a name such as 'invoice:42'.`],
    [undefined, `The resource undefined is no string. Write a name such as 'invoice:42'.`],
    [42, `The resource 42 is no string. Write a name such as 'invoice:42'.`],
    ['🔒'.slice(0, 1), 'has half of a surrogate pair'],
    ['x'.repeat(1025), 'has 1025 bytes of UTF-8, more than the 1024 allowed.'],
    ['é'.repeat(513), 'has 1026 bytes of UTF-8, more than the 1024 allowed.'],
  ])('is not %p', (resource, message) => {
    expect(() => checkResource(resource, 'mariadb')).toThrow(LockKeyError);
    expect(() => checkResource(resource, 'mariadb')).toThrow(message);
  });

  it('has no NUL on PostgreSQL, and may have one on the others', () => {
    expect(() => checkResource('a\0b', 'postgres')).toThrow(
      'The resource "a\\u0000b" has a NUL, which PostgreSQL has no place for. Leave it out, or escape it.',
    );
    expect(checkResource('a\0b', 'mysql')).toBe('a\0b');
  });
});

describe('the key of a row', () => {
  it.each([0, -1, 42, Number.MAX_SAFE_INTEGER, 2n ** 63n, '42', 'x'.repeat(5000)])(
    'may be %p',
    (key) => {
      expect(checkRowKey(key, 'postgres')).toBe(key);
    },
  );

  it.each([1.5, Number.NaN, Infinity, 2 ** 53, '', undefined, null, {}, '🔒'.slice(1), 'a\0'])(
    'is not %p',
    (key) => {
      expect(() => checkRowKey(key, 'postgres')).toThrow(LockKeyError);
    },
  );
});
