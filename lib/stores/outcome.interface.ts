import type { Holder } from './lock-store.interface.js';

/**
 * What is known of an element that must be done once.
 *
 * - `running`: somebody is at it, under a lock that is held.
 * - `unknown`: somebody began and has no lock any more, and never told how it ended.
 * - `processed`: it is done, and must not be done again.
 *
 * An element without a record is open.
 *
 * @example
 * const state: OutcomeState = 'unknown';
 */
export type OutcomeState = 'running' | 'unknown' | 'processed';

/**
 * One try at an element.
 *
 * - `running`, `unknown`, `processed`: as the element's.
 * - `late`: it succeeded, and its lock was lost before that.
 * - `failed`: it threw, while others had taken over or succeeded.
 * - `resolved`: somebody said that the element is processed; `holder` is who.
 *
 * @example
 * const [{ holder, since, fencingToken }] = record.attempts;
 */
export interface Attempt {
  /** 0 where it was resolved. */
  readonly fencingToken: number;
  readonly holder: Holder;
  /** When it began, by the store's wall clock. */
  readonly since: Date;
  readonly outcome: OutcomeState | 'late' | 'failed' | 'resolved';
}

/**
 * All that is known of one element.
 *
 * @example
 * const record = await locks.outcomes.of('invoice:42');
 * if (record?.state === 'unknown') ask(record.attempts.at(-1)!.holder);
 */
export interface OutcomeRecord {
  readonly name: string;
  /** By what it is listed. */
  readonly job: string;
  readonly state: OutcomeState;
  /** The last eight, the earliest first. */
  readonly attempts: readonly Attempt[];
  /** When it was first marked as processed; `null` if it was not. */
  readonly processedAt: Date | null;
  /** When it will be forgotten; `null` for never. */
  readonly expiresAt: Date | null;
  /** What its result was, as JSON, if that was to be stored. */
  readonly result?: string | undefined;
  /** Why its result could not be stored, though it was to be. */
  readonly resultMissing?: string | undefined;
  readonly fingerprint?: string | undefined;
}

/**
 * Asks for a name in order to do its element once.
 *
 * @example
 * const once: OnceRequest = { job: 'invoice', onUnknown: 'hold', keepMs: Infinity };
 */
export interface OnceRequest {
  readonly job: string;
  /** Of what the element is to be done with; a record with another one is a `mismatch`. */
  readonly fingerprint?: string | undefined;
  /**
   * An unknown outcome: `retry` begins anew, `hold` refuses, and `ask` grants the lock with the record
   * as it is, so that somebody can find out; who begins then asks again with `retry`.
   */
  readonly onUnknown: 'retry' | 'hold' | 'ask';
  /** How long the record is kept should nobody tell the outcome; `Infinity` for ever. */
  readonly keepMs: number;
}

/**
 * What became of an element, told in one step with its release.
 *
 * `processed` marks it, whether or not the lease is still there; `open` says that it failed, and forgets
 * that it was begun; `unbegun` says that it never ran, and puts back what an earlier try has left behind.
 *
 * @example
 * const outcome: Outcome = { kind: 'open', job: 'invoice' };
 */
export type Outcome =
  | { readonly kind: 'open' | 'unbegun'; readonly job: string }
  | {
      readonly kind: 'processed';
      readonly job: string;
      readonly holder: Holder;
      /** `Infinity` for ever. */
      readonly retentionMs: number;
      readonly result?: string | undefined;
      readonly resultMissing?: string | undefined;
      readonly fingerprint?: string | undefined;
    };

/**
 * Ends an unknown outcome by decision.
 *
 * @example
 * await store.outcomes!.resolve({ name, job, fencingToken, decision: 'retry', retentionMs: 0, holder });
 */
export interface ResolveRequest {
  readonly name: string;
  readonly job: string;
  /** Of the attempt that is decided upon, the last: somebody may have begun anew since. */
  readonly fencingToken: number;
  readonly decision: 'processed' | 'retry';
  /** How long the marker is kept; `Infinity` for ever. */
  readonly retentionMs: number;
  readonly holder: Holder;
}

/**
 * Some of a job's names, and where to go on.
 *
 * @example
 * const { names, cursor }: NamesPage = await store.outcomes!.names('invoice', 'processed');
 */
export interface NamesPage {
  readonly names: readonly string[];
  /** Left out at the end. */
  readonly cursor?: string | undefined;
}

/**
 * Where outcomes are kept, beside the leases; every method is one atomic step, but for `names`.
 *
 * @example
 * const outcomes: OutcomeStore | undefined = store.outcomes;
 */
export interface OutcomeStore {
  /**
   * What is known of one name; null if nothing was begun.
   *
   * @throws an error with the name `DamagedOutcomeError` if it cannot be read: lists leave it out
   */
  read(name: string): Promise<OutcomeRecord | null>;
  /** `none` if the outcome of that attempt is not unknown. */
  resolve(request: ResolveRequest): Promise<'resolved' | 'running' | 'none'>;
  /** Forgets the record if it is this job's and in this state, or cannot be read. */
  clear(name: string, job: string, state: 'processed' | 'unknown'): Promise<boolean>;
  /**
   * The names that are processed, or begun and not: each at least once that was there all the while.
   */
  names(job: string, which: 'processed' | 'begun', cursor?: string): Promise<NamesPage>;
  /** How many of the job are processed, and how many begun and not. */
  count(job: string): Promise<{ readonly processed: number; readonly begun: number }>;
}
