import { LockOptionsError } from '../lock.errors.js';
import { refuseUnknownOptions } from './acquire-options.js';
import { describeValue } from './describe-value.js';
import { type Duration, parseDuration } from './duration.js';

/**
 * How work that may be repeated is done again after its lock was lost.
 *
 * @example
 * await locks.withLock('cache:rates', refresh, { retry: { attempts: 3, backoff: '200ms' } });
 */
export interface RetryOptions {
  /** How often the work is done at the most, the first time included: 1 to 100. */
  readonly attempts: number;
  /**
   * The pause before the second attempt, doubled for each further one up to 30 s; or a function of the
   * number of attempts made. Default: 100 ms.
   */
  readonly backoff?: Duration | ((attemptsMade: number) => Duration);
}

/** Retry options, checked. */
export interface ResolvedRetry {
  readonly attempts: number;
  readonly pauseAfter: (attemptsMade: number) => number;
}

export const ONE_ATTEMPT: ResolvedRetry = { attempts: 1, pauseAfter: () => 0 };

const KNOWN = new Set(['attempts', 'backoff']);
const MOST_ATTEMPTS = 100;
const LONGEST_PAUSE_MS = 30_000;
const BOUNDS = { min: 0, max: 2 ** 31 - 1 } as const;

/** @throws LockOptionsError for an unknown option or a value that is none */
export function resolveRetry(retry: RetryOptions | undefined, what: string): ResolvedRetry {
  if (retry === undefined) return ONE_ATTEMPT;
  refuseUnknownOptions(retry, KNOWN, `${what}: "retry"`);
  const { attempts, backoff = 100 } = retry;
  if (!Number.isInteger(attempts) || attempts < 1 || attempts > MOST_ATTEMPTS) {
    throw new LockOptionsError(
      `${what}: "retry.attempts" is ${describeValue(attempts)}; write a whole number from 1 to ${MOST_ATTEMPTS}.`,
    );
  }
  const pauseOf = `${what}: "retry.backoff"`;
  if (typeof backoff === 'function') {
    const pauseAfter = (made: number): number => parseDuration(backoff(made), pauseOf, BOUNDS);
    return { attempts, pauseAfter };
  }
  const firstMs = parseDuration(backoff, pauseOf, BOUNDS);
  const pauseAfter = (made: number): number =>
    Math.min(firstMs * 2 ** (made - 1), Math.max(firstMs, LONGEST_PAUSE_MS));
  return { attempts, pauseAfter };
}
