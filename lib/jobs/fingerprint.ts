import { createHash } from 'node:crypto';
import { types } from 'node:util';
import { describeValue } from '../core/describe-value.js';
import { LockOptionsError } from '../lock.errors.js';

/**
 * A short text that is the same for equal values, whatever the order of their properties.
 *
 * @throws LockOptionsError if the value, or one in it, has no JSON
 * @example
 * fingerprintOf([{ amount: '1.00', id: 42 }]);
 */
export function fingerprintOf(value: unknown, what: string): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(value, (_, part: unknown) => sorted(part));
  } catch (cause) {
    throw refusal(value, what, cause instanceof Error ? cause.message : describeValue(cause));
  }
  if (text === undefined) throw refusal(value, what, 'it has no JSON');
  return createHash('sha256').update(text).digest('base64url').slice(0, 22);
}

function sorted(part: unknown): unknown {
  if (
    typeof part === 'function' ||
    typeof part === 'symbol' ||
    types.isMap(part) ||
    types.isSet(part)
  ) {
    throw new TypeError(`${describeValue(part)} has no JSON of its own`);
  }
  if (types.isPromise(part)) throw new TypeError('it is a promise: await it first');
  if (typeof part !== 'object' || part === null || Array.isArray(part)) return part;
  return Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function refusal(value: unknown, what: string, problem: string): LockOptionsError {
  return new LockOptionsError(
    `${what}: the fingerprint of ${describeValue(value)} cannot be made: ${problem}. ` +
      'Give "fingerprint" the values that tell one piece of work from another.',
  );
}
