import { LockOptionsError } from '../lock.errors.js';
import { parseDuration, type Duration } from './duration.js';
import { describeValue } from './describe-value.js';

/**
 * How a lock is taken; what is left out comes from the module's options.
 *
 * @example
 * await locks.acquire('invoice:42', { ttl: '1 minute', wait: '10s', signal });
 */
export interface AcquireOptions {
  /** How long the lease lasts without renewal: 50 ms to 2³¹ − 1 ms. Default: the module's, 30 s. */
  readonly ttl?: Duration;
  /** How long to wait while somebody else holds the name; 0 does not wait, `Infinity` is allowed. Default: the module's, 5 s. */
  readonly wait?: Duration;
  /** Ends the wait with a `LockAbortedError`. It does not end the lock once that is held. */
  readonly signal?: AbortSignal;
  /** The longest the lock may be held, renewals included; then it is lost. Default: no bound. */
  readonly maxHold?: Duration;
  /** `false` turns renewal off: the lock is lost when its ttl has passed. Default: true. */
  readonly renew?: boolean;
}

/**
 * How a lock is taken at once or not at all.
 *
 * @example
 * const lock = await locks.tryAcquire('nightly-report', { ttl: '1 minute' });
 */
export type TryAcquireOptions = Omit<AcquireOptions, 'wait'>;

/** Acquire options with every duration in milliseconds. */
export interface ResolvedAcquireOptions {
  readonly ttlMs: number;
  readonly waitMs: number;
  readonly maxHoldMs: number;
  readonly renew: boolean;
  readonly signal: AbortSignal | undefined;
}

export interface AcquireDefaults {
  readonly ttlMs: number;
  readonly waitMs: number;
}

const LONGEST_TTL_MS = 2 ** 31 - 1;
export const TTL_BOUNDS = { min: 50, max: LONGEST_TTL_MS } as const;
export const WAIT_BOUNDS = { min: 0, max: Number.MAX_SAFE_INTEGER, infinity: true } as const;
const MAX_HOLD_BOUNDS = { min: 50, max: Number.MAX_SAFE_INTEGER, infinity: true } as const;

const KNOWN = new Set(['ttl', 'wait', 'signal', 'maxHold', 'renew']);

/**
 * Checks the options of one call and fills in the defaults; `what` names the call in messages.
 *
 * @throws LockOptionsError for an unknown option or a value that is none
 */
export function resolveAcquireOptions(
  options: AcquireOptions,
  defaults: AcquireDefaults,
  what: string,
): ResolvedAcquireOptions {
  refuseUnknownOptions(options, KNOWN, what);
  const { ttl, wait, maxHold, renew = true, signal } = options;
  if (typeof renew !== 'boolean') {
    throw new LockOptionsError(`${what}: "renew" is ${describeValue(renew)}; write true or false.`);
  }
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw new LockOptionsError(
      `${what}: "signal" is ${describeValue(signal)}; write the signal of an AbortController.`,
    );
  }
  return {
    ttlMs: ttl === undefined ? defaults.ttlMs : parseDuration(ttl, `${what}: "ttl"`, TTL_BOUNDS),
    waitMs:
      wait === undefined ? defaults.waitMs : parseDuration(wait, `${what}: "wait"`, WAIT_BOUNDS),
    maxHoldMs:
      maxHold === undefined
        ? Infinity
        : parseDuration(maxHold, `${what}: "maxHold"`, MAX_HOLD_BOUNDS),
    renew,
    signal,
  };
}

/** A misspelt option would be ignored in silence, and its default would apply. */
export function refuseUnknownOptions(
  options: unknown,
  known: ReadonlySet<string>,
  what: string,
): asserts options is object {
  if (typeof options !== 'object' || options === null) {
    throw new LockOptionsError(
      `${what}: the options are ${describeValue(options)}; write an object.`,
    );
  }
  for (const key of Object.keys(options)) {
    if (!known.has(key)) {
      throw new LockOptionsError(
        `${what}: there is no option "${key}". The options are ${[...known].join(', ')}.`,
      );
    }
  }
}
