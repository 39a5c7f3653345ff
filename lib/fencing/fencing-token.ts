import { describeValue } from '../core/describe-value.js';
import type { Lock } from '../core/lock.js';
import { LockOptionsError } from '../lock.errors.js';

/**
 * What a write is fenced by: the lock itself, or its token where only that has arrived, as from another
 * process.
 *
 * @example
 * await guard.assertFence(tx, 'invoice:42', lock);
 * await guard.assertFence(tx, 'invoice:42', tokenOfTheRequest);
 */
export type FencedBy = Lock | number;

/**
 * The token that fences a write to a resource.
 *
 * A lock must be sure to be held: one that knows that it is lost need not bother the storage.
 *
 * @param resource of a lock with several names, it says which name's token is meant
 * @throws LockLostError, LockReleasedError if the lock is not held
 * @throws LockOptionsError as `tokenOf` does
 */
export function fencingTokenOf(by: FencedBy, resource: string): number {
  const token = tokenOf(by, resource);
  if (typeof by !== 'number') by.assertHeld();
  return token;
}

/**
 * The same of a lock that may be lost by now, for what the storage has decided already.
 *
 * @throws LockOptionsError if it is neither a lock nor a token, if others may hold the lock too, or if
 *   several names leave open which token is meant
 */
export function tokenOf(by: FencedBy, resource: string): number {
  if (typeof by === 'number') return checkFencingToken(by);
  if (typeof by?.assertHeld !== 'function') {
    throw new LockOptionsError(
      `The write to ${describeValue(resource)} is fenced by ${describeValue(by)}; pass the lock under which it is done, ` +
        'or its fencingToken.',
    );
  }
  if (by.mode !== 'exclusive') {
    const whatever = by.mode === 'shared' ? 'a shared lock' : 'a permit';
    throw new LockOptionsError(
      `The write to ${describeValue(resource)} is fenced by ${whatever} of "${by.name}", which others may have at the ` +
        'same time: its token does not tell who came last. Write under an exclusive lock.',
    );
  }
  const token = tokenUnder(by, resource);
  if (token !== undefined) return token;
  throw new LockOptionsError(
    `The lock of "${by.name}" has a fencing token for each of its names, and none of them is the resource ` +
      `${describeValue(resource)}: pass lock.fencingTokens.get(name).`,
  );
}

/** The token of one name, or of a lock that has but one; `undefined` where several leave it open. */
export function tokenUnder(lock: Lock, name: string | undefined): number | undefined {
  const token = name === undefined ? undefined : lock.fencingTokens.get(name);
  return token ?? (lock.names.length === 1 ? lock.fencingToken : undefined);
}

/** @throws LockOptionsError unless it is a whole number from 1 on that a double holds exactly */
export function checkFencingToken(token: number): number {
  if (Number.isSafeInteger(token) && token > 0) return token;
  throw new LockOptionsError(
    `The fencing token is ${describeValue(token)}; pass lock.fencingToken, a whole number from 1 on.`,
  );
}

/** Reads a token as it travels in a header or a message: decimal digits alone; `undefined` if it is none. */
export function parseFencingToken(text: string): number | undefined {
  if (!/^[1-9]\d{0,15}$/.test(text)) return undefined;
  const token = Number(text);
  return Number.isSafeInteger(token) ? token : undefined;
}
