import { describeValue } from '../core/describe-value.js';
import { LockOptionsError } from '../lock.errors.js';

/**
 * Where a listing of outcomes goes on, as it was told.
 *
 * @throws LockOptionsError if the text was never told
 */
export function parseCursor<T>(cursor: string, isOne: (value: unknown) => value is T): T {
  let value: unknown;
  try {
    value = JSON.parse(cursor);
  } catch {
    // told below
  }
  if (isOne(value)) return value;
  throw new LockOptionsError(
    `"cursor" is ${describeValue(cursor)}; write what the page before has given, or leave it out.`,
  );
}

/** Where SSCAN and ZSCAN go on. */
export const isScanCursor = (value: unknown): value is string =>
  typeof value === 'string' && /^\d{1,20}$/.test(value);
