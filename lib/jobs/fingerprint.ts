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
    JSON.stringify(value); // tells of what refers to itself
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
  if (typeof part === 'number' && !Number.isFinite(part))
    throw new TypeError(`${part} has no JSON`);
  if (types.isPromise(part)) throw new TypeError('it is a promise: await it first');
  if (typeof part !== 'object' || part === null || Array.isArray(part)) return part;
  const entries = Object.entries(part);
  if (entries.length === 0 && !isPlain(part)) {
    throw new TypeError(`${describeValue(part)} shows nothing of itself in JSON`);
  }
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function isPlain(part: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(part);
  // Not instanceof: it may come from another realm.
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function refusal(value: unknown, what: string, problem: string): LockOptionsError {
  return new LockOptionsError(
    `${what}: the fingerprint of ${describeValue(value)} cannot be made: ${problem}. ` +
      'Give "fingerprint" the values that tell one piece of work from another.',
  );
}
