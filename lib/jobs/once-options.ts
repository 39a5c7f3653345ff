import { refuseUnknownOptions } from '../core/acquire-options.js';
import { describeValue } from '../core/describe-value.js';
import { type Duration, parseDuration } from '../core/duration.js';
import type { OutcomeDecision } from '../core/lock-events.js';
import { LockOptionsError } from '../lock.errors.js';
import type { OutcomeRecord } from '../stores/outcome.interface.js';

/**
 * An element that somebody began, and of which nobody knows whether it was done.
 *
 * @example
 * onUnknown: async ({ name, record }: UnknownOutcome) => (await hasArrived(name)) ? 'processed' : 'retry'
 */
export interface UnknownOutcome<Element = unknown> {
  readonly name: string;
  readonly job: string;
  /** Who began it, when, and with which token. */
  readonly record: OutcomeRecord;
  /** Of a `Job`: what it was locked for. */
  readonly element?: Element;
  /** Of a decorated method: the arguments of this call, and its object. */
  readonly args?: readonly unknown[];
  readonly instance?: object;
}

/**
 * What is done about an unknown outcome: `'retry'` does it again (at least once), `'hold'` lets nobody
 * do it until it is resolved (at most once), a function finds out under the lock.
 *
 * @example
 * const policy: OnUnknown = 'hold';
 */
export type OnUnknown<Element = unknown> =
  | 'retry'
  | 'hold'
  | ((context: UnknownOutcome<Element>) => OutcomeDecision | Promise<OutcomeDecision>);

/**
 * How it is remembered that something was done.
 *
 * @example
 * const terms: OnceTerms = { retention: '30d', storeResult: true, onUnknown: 'hold' };
 */
export interface OnceTerms<Element = unknown> {
  /** How long it counts as processed; `Infinity` is for ever. Default: 30 days. */
  readonly retention?: Duration;
  /** Stores the result as JSON, to be replayed: up to 64 KiB, or up to `maxBytes`. Default: false. */
  readonly storeResult?: boolean | { readonly maxBytes: number };
  /** An earlier try whose outcome nobody knows. Default: `'retry'`. */
  readonly onUnknown?: OnUnknown<Element>;
  /**
   * Which errors of the work leave its outcome unknown, such as a request that had no answer; after
   * all others it is open again. Default: none.
   */
  readonly unknownIf?: (error: unknown) => boolean;
}

/** Terms, checked and in milliseconds. */
export interface ResolvedTerms {
  readonly retentionMs: number;
  /** 0: no result is stored. */
  readonly maxResultBytes: number;
  readonly onUnknown: OnUnknown<any>;
  readonly unknownIf: ((error: unknown) => boolean) | undefined;
}

export const TERMS = ['retention', 'storeResult', 'onUnknown', 'unknownIf'] as const;

const DEFAULT_RETENTION = '30d';
const DEFAULT_RESULT_BYTES = 65_536;
const CENTURY_MS = 100 * 365.25 * 86_400_000;
const RETENTION_BOUNDS = { min: 1, max: CENTURY_MS, infinity: true } as const;

/** @throws LockOptionsError for a value that is none */
export function resolveTerms(terms: OnceTerms<any>, what: string): ResolvedTerms {
  const { onUnknown = 'retry' } = terms;
  if (onUnknown !== 'retry' && onUnknown !== 'hold' && typeof onUnknown !== 'function') {
    throw new LockOptionsError(
      `${what}: "onUnknown" is ${describeValue(onUnknown)}; write 'retry', 'hold' or a function.`,
    );
  }
  const { unknownIf } = terms;
  if (unknownIf !== undefined && typeof unknownIf !== 'function') {
    throw new LockOptionsError(
      `${what}: "unknownIf" is ${describeValue(unknownIf)}; write a function of the error.`,
    );
  }
  const maxResultBytes = resultBytesOf(terms.storeResult, what);
  const retentionMs = parseRetention(terms.retention, what);
  return { retentionMs, maxResultBytes, onUnknown, unknownIf };
}

/** @throws LockOptionsError if it is no duration */
export function parseRetention(retention: Duration | undefined, what: string): number {
  const ms = parseDuration(
    retention === undefined ? DEFAULT_RETENTION : retention,
    `${what}: "retention"`,
    RETENTION_BOUNDS,
  );
  return ms === Infinity ? ms : Math.ceil(ms);
}

/**
 * The job that a name belongs to, by which it is listed: what stands before its first colon, but for a
 * hash tag at its beginning, of which there are many.
 *
 * @example
 * jobOf('invoice:42'); // 'invoice'
 * jobOf('{eu}:invoice:42'); // 'invoice'
 */
export const jobOf = (name: string): string =>
  name.replace(/^\{[^}]*\}:?/, '').split(':', 1)[0] || name;

/** @throws LockOptionsError if it is no text */
export function checkJobName(job: unknown, what: string): asserts job is string {
  if (typeof job === 'string' && job !== '' && job.length <= 1_024) return;
  throw new LockOptionsError(
    `${what} is ${describeValue(job)}; write a text of up to 1024 characters, such as 'invoice'.`,
  );
}

function resultBytesOf(storeResult: OnceTerms['storeResult'], what: string): number {
  if (storeResult === undefined || storeResult === false) return 0;
  if (storeResult === true) return DEFAULT_RESULT_BYTES;
  const place = `${what}: "storeResult"`;
  if (typeof storeResult !== 'object' || storeResult === null) {
    throw new LockOptionsError(
      `${place} is ${describeValue(storeResult)}; write true, false or { maxBytes: 65536 }.`,
    );
  }
  refuseUnknownOptions(storeResult, new Set(['maxBytes']), place);
  const { maxBytes } = storeResult;
  if (Number.isSafeInteger(maxBytes) && maxBytes > 0) return maxBytes;
  throw new LockOptionsError(
    `${place}: "maxBytes" is ${describeValue(maxBytes)}; write a whole number from 1 on.`,
  );
}
