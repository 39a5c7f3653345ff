import { LockKeyError } from '../lock.errors.js';
import { describeValue } from './describe-value.js';

const MAX_BYTES = 4096;
const MAX_BYTES_PER_CODE_UNIT = 3;

/**
 * Gives a lock's name back exactly as it is, once it is sure that a store can tell it from others.
 *
 * @throws {LockKeyError} if it is no string, empty, not well-formed Unicode, or too long.
 *
 * @example
 * checkLockName('invoice:42'); // 'invoice:42'
 * checkLockName(''); // throws LockKeyError
 */
export function checkLockName(name: unknown): string {
  if (typeof name !== 'string') {
    throw refusal(name, `is no string. Write a name such as 'invoice:42'.`);
  }
  if (name === '') {
    throw refusal(name, `is empty. Write a name such as 'invoice:42'.`);
  }
  if (hasLoneSurrogate(name)) {
    throw refusal(
      name,
      'has half of a surrogate pair, which UTF-8 cannot carry: names that differ in it would be one ' +
        'lock. Cut texts between characters (Array.from(text)), or call toWellFormed() on it.',
    );
  }
  if (isTooLong(name)) {
    throw refusal(
      name,
      `has ${Buffer.byteLength(name)} bytes of UTF-8, more than the ${MAX_BYTES} allowed. ` +
        'Use an id instead of the content, or a hash of it.',
    );
  }
  return name;
}

/**
 * Tells whether a text has half of a surrogate pair: encoded, each becomes the same U+FFFD.
 *
 * @example
 * hasLoneSurrogate('🔒'); // false
 * hasLoneSurrogate('🔒'.slice(0, 1)); // true
 */
export function hasLoneSurrogate(text: string): boolean {
  return /\p{Surrogate}/u.test(text);
}

function refusal(name: unknown, problem: string): LockKeyError {
  return new LockKeyError(`The lock name ${describeValue(name)} ${problem}`);
}

function isTooLong(name: string): boolean {
  if (name.length * MAX_BYTES_PER_CODE_UNIT <= MAX_BYTES) return false;
  return name.length > MAX_BYTES || Buffer.byteLength(name) > MAX_BYTES;
}
