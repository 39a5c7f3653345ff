import { LockOptionsError } from '../lock.errors.js';
import { parseDuration, type Duration } from './duration.js';
import type { AcquireMessage } from './lock-channels.js';
import { describeValue } from './describe-value.js';
import type { StoreLimits } from './store-limits.js';

/**
 * How a lock is taken; what is left out comes from the module's options.
 *
 * @example
 * await locks.acquire('invoice:42', { ttl: '1 minute', wait: '10s', signal });
 */
export interface AcquireOptions {
  /**
   * How long the lease lasts without renewal: 50 ms to 2³¹ − 1 ms, over several nodes to the module's `maxTtl`.
   * Default: the module's, 30 s.
   */
  readonly ttl?: Duration;
  /** How long to wait while somebody else holds the name; 0 does not wait, `Infinity` is allowed. Default: the module's, 5 s. */
  readonly wait?: Duration;
  /** Ends the wait with a `LockAbortedError`. It does not end the lock once that is held. */
  readonly signal?: AbortSignal;
  /** The longest the lock may be held, renewals included; then it is lost. Default: no bound. */
  readonly maxHold?: Duration;
  /**
   * How long the name stays taken at least, even if it is given back sooner: so that a job runs once
   * on a fleet whose clocks differ. Not above `maxHold`, nor over several nodes above `maxTtl`. Default: 0.
   */
  readonly minHold?: Duration;
  /** `'shared'` lets others that share hold it, too, and nobody else. Default: `'exclusive'`. */
  readonly mode?: 'exclusive' | 'shared';
  /**
   * Within the work of a lock of the same name: `true` joins that lock, `false` fails with a
   * `LockReentryError`. Default: true.
   */
  readonly reentrant?: boolean;
  /**
   * On how many replicas the lease must have arrived before the lock is given, so that a failover does
   * not lose it; fewer are a failed acquire. How many there were is `lock.replicas`. Default: 0.
   */
  readonly minReplicas?: number;
  /** Told the place in the queue, 1 for the next, when the wait begins and whenever it has become another. */
  readonly onWaiting?: (place: number) => void;
  /** `false` turns renewal off: the lock is lost when its ttl has passed. Default: true. */
  readonly renew?: boolean;
  /**
   * What metrics and traces call locks of this kind, such as `invoice:<id>`: one text for all their names, up to 128
   * characters. Default: the decorator's template, the job, or none.
   */
  readonly label?: string;
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
  readonly minHoldMs: number;
  readonly isShared: boolean;
  readonly isReentrant: boolean;
  /** Whether no event tells of it yet. */
  readonly isQuiet: boolean;
  readonly minReplicas: number;
  readonly onWaiting: ((place: number) => void) | undefined;
  readonly renew: boolean;
  readonly signal: AbortSignal | undefined;
  readonly label?: string | undefined;
  /** The call as it is told, if somebody listens. */
  readonly asked?: AcquireMessage | undefined;
}

/** Stands for options that were left out. */
export const NO_OPTIONS: AcquireOptions = Object.freeze({});

export interface AcquireDefaults {
  readonly ttlMs: number;
  readonly waitMs: number;
  /** What the store cannot do; left out where it is not known yet which store it will be. */
  readonly limits?: StoreLimits | undefined;
}

const LONGEST_TTL_MS = 2 ** 31 - 1;
export const TTL_BOUNDS = { min: 50, max: LONGEST_TTL_MS } as const;
export const WAIT_BOUNDS = { min: 0, max: Number.MAX_SAFE_INTEGER, infinity: true } as const;
const MAX_HOLD_BOUNDS = { min: 50, max: Number.MAX_SAFE_INTEGER, infinity: true } as const;

export const MIN_HOLD_BOUNDS = { min: 0, max: LONGEST_TTL_MS } as const;

const MOST_REPLICAS = 100;

export const ACQUIRE_OPTIONS: ReadonlySet<string> = new Set([
  'ttl',
  'wait',
  'signal',
  'maxHold',
  'minHold',
  'mode',
  'reentrant',
  'minReplicas',
  'onWaiting',
  'renew',
  'label',
]);

/**
 * Checks the options of one call and fills in the defaults; `whatOf` names the call in messages.
 *
 * @throws LockOptionsError for an unknown option, a value that is none, or what the store cannot do
 */
export function resolveAcquireOptions(
  options: AcquireOptions,
  defaults: AcquireDefaults,
  whatOf: () => string,
): ResolvedAcquireOptions {
  if (options === NO_OPTIONS) return withDefaults(defaults);
  const what = whatOf();
  refuseUnknownOptions(options, ACQUIRE_OPTIONS, what);
  const { ttl, wait, maxHold, minHold, signal, onWaiting, label } = options;
  const { renew = true, reentrant = true, mode = 'exclusive', minReplicas = 0 } = options;
  checkBoolean(renew, 'renew', what);
  checkBoolean(reentrant, 'reentrant', what);
  if (mode !== 'exclusive' && mode !== 'shared') {
    throw new LockOptionsError(
      `${what}: "mode" is ${describeValue(mode)}; write 'exclusive' or 'shared'.`,
    );
  }
  if (!Number.isInteger(minReplicas) || minReplicas < 0 || minReplicas > MOST_REPLICAS) {
    throw new LockOptionsError(
      `${what}: "minReplicas" is ${describeValue(minReplicas)}; write a whole number from 0 to ${MOST_REPLICAS}.`,
    );
  }
  if (onWaiting !== undefined && typeof onWaiting !== 'function') {
    throw new LockOptionsError(
      `${what}: "onWaiting" is ${describeValue(onWaiting)}; write a function.`,
    );
  }
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw new LockOptionsError(
      `${what}: "signal" is ${describeValue(signal)}; write the signal of an AbortController.`,
    );
  }
  if (label !== undefined && !isLabel(label)) {
    throw new LockOptionsError(
      `${what}: "label" is ${describeValue(label)}; write a text of up to ${LONGEST_LABEL} characters, such as 'invoice:<id>'.`,
    );
  }
  const maxHoldMs =
    maxHold === undefined
      ? Infinity
      : parseDuration(maxHold, `${what}: "maxHold"`, MAX_HOLD_BOUNDS);
  const minHoldMs =
    minHold === undefined ? 0 : parseDuration(minHold, `${what}: "minHold"`, MIN_HOLD_BOUNDS);
  if (minHoldMs > maxHoldMs) {
    throw new LockOptionsError(
      `${what}: "minHold" (${minHoldMs} ms) is above "maxHold" (${maxHoldMs} ms); nothing can last both.`,
    );
  }
  const resolved: ResolvedAcquireOptions = {
    ttlMs: ttl === undefined ? defaults.ttlMs : parseDuration(ttl, `${what}: "ttl"`, TTL_BOUNDS),
    waitMs:
      wait === undefined ? defaults.waitMs : parseDuration(wait, `${what}: "wait"`, WAIT_BOUNDS),
    maxHoldMs,
    minHoldMs,
    isShared: mode === 'shared',
    isReentrant: reentrant,
    isQuiet: false,
    minReplicas,
    onWaiting,
    renew,
    signal,
    label,
  };
  const problem = defaults.limits?.against(resolved);
  if (problem !== undefined) throw new LockOptionsError(`${what}: ${problem}`);
  return resolved;
}

export const LONGEST_LABEL = 128;

/** What metrics call an element of a job; a name that is a job by itself is no kind of names. */
export const labelOfJob = (job: string, name: string): string | undefined =>
  job === name ? undefined : job.slice(0, LONGEST_LABEL);

const isLabel = (label: unknown): boolean =>
  typeof label === 'string' && label !== '' && label.length <= LONGEST_LABEL;

function checkBoolean(value: unknown, key: string, what: string): void {
  if (typeof value === 'boolean') return;
  throw new LockOptionsError(`${what}: "${key}" is ${describeValue(value)}; write true or false.`);
}

/** What is resolved for `NO_OPTIONS`, made once for each module's defaults. */
const resolvedDefaults = new WeakMap<AcquireDefaults, ResolvedAcquireOptions>();

function withDefaults(defaults: AcquireDefaults): ResolvedAcquireOptions {
  const known = resolvedDefaults.get(defaults);
  if (known) return known;
  const resolved = resolveAcquireOptions({}, defaults, () => '');
  resolvedDefaults.set(defaults, resolved);
  return resolved;
}

/** Before anything is taken out of it: callers without types hand over whatever they have. */
export function refuseNoObject(options: unknown, what: string): asserts options is object {
  if (typeof options === 'object' && options !== null) return;
  throw new LockOptionsError(
    `${what}: the options are ${describeValue(options)}; write an object.`,
  );
}

/** Before a lock is taken for it. */
export function checkWork(work: unknown, what: string): void {
  if (typeof work === 'function') return;
  throw new LockOptionsError(`${what}: the work is ${describeValue(work)}; pass a function.`);
}

/** A misspelt option would be ignored in silence, and its default would apply. */
export function refuseUnknownOptions(
  options: unknown,
  known: ReadonlySet<string>,
  what: string,
): asserts options is object {
  refuseNoObject(options, what);
  for (const key of Object.keys(options)) {
    if (!known.has(key)) {
      throw new LockOptionsError(
        `${what}: there is no option "${key}". The options are ${[...known].join(', ')}.`,
      );
    }
  }
}
