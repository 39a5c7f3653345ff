import { holderText } from './core/holder-text.js';
import type { LeaseRecord, NameKind } from './stores/lock-store.interface.js';
import type { OutcomeRecord } from './stores/outcome.interface.js';

/**
 * The base of every error of this package; `code` is stable across versions and copies.
 *
 * @example
 * if (error instanceof LockError) response.body = { code: error.code };
 */
export abstract class LockError extends Error {
  abstract readonly code: string;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/**
 * Somebody else holds the name, and the caller did not want to wait.
 *
 * @example
 * catch (error) { if (error instanceof LockBusyError) return { retryAfterMs: error.holder?.remainingMs }; }
 */
export class LockBusyError extends LockError {
  readonly code: string = 'LOCK_BUSY';

  constructor(
    message: string,
    /** The name that is taken. */
    readonly lockName: string,
    /** Who held it when it was last asked for; `null` when others stood before in the queue. */
    readonly holder: LeaseRecord | null,
    /** Of a semaphore, too few permits were free. */
    readonly kind: NameKind = 'lock',
  ) {
    super(message);
  }
}

/**
 * The name was still busy when the wait ended; a `LockBusyError` that has waited.
 *
 * @example
 * catch (error) { if (error instanceof LockTimeoutError) metrics.timeouts.inc(); }
 */
export class LockTimeoutError extends LockBusyError {
  override readonly code = 'LOCK_TIMEOUT';

  constructor(
    message: string,
    lockName: string,
    holder: LeaseRecord | null,
    /** How long it waited, in milliseconds. */
    readonly waitedMs: number,
    /** Its place in the queue, as far as it was known: 1 would have been next. */
    readonly place: number | null = null,
    kind: NameKind = 'lock',
  ) {
    super(message, lockName, holder, kind);
  }
}

/**
 * The caller's `AbortSignal` ended the acquire; `cause` is the signal's reason.
 *
 * @example
 * catch (error) { if (error instanceof LockAbortedError) return; }
 */
export class LockAbortedError extends LockError {
  readonly code = 'LOCK_ABORTED';

  constructor(
    readonly lockName: string,
    reason: unknown,
  ) {
    super(`Acquiring the lock "${lockName}" was aborted by the caller's signal.`, {
      cause: reason,
    });
  }
}

/**
 * The store could not be reached in time, or refused the command: nothing is known about the lock. Of an
 * object store, that others kept writing. `cause` is the client's own error, if there was one.
 *
 * @example
 * catch (error) { if (error instanceof LockStoreError) throw new ServiceUnavailableException(); }
 */
export class LockStoreError extends LockError {
  readonly code = 'LOCK_STORE_UNREACHABLE';
  /** Whether it came only with the release, so that what the lock was held for may be done. */
  readonly mayBeDone: boolean;

  constructor(
    message: string,
    { mayBeDone = false, ...options }: ErrorOptions & { mayBeDone?: boolean } = {},
  ) {
    super(message, options);
    this.mayBeDone = mayBeDone;
  }
}

/**
 * Why a lock was lost.
 *
 * - `deadline`: no renewal succeeded in time; the store was out of reach or the process stood still.
 * - `expired`, `taken-over`: the store said so.
 * - `forced`: someone called `forceRelease`.
 * - `max-hold`: `maxHold` was reached.
 * - `not-renewed`: it was taken with `renew: false` and its ttl has passed.
 * - `shutdown`: the application is closing and `drainTimeout` has passed.
 *
 * @example
 * locks.events$.subscribe((e) => e.type === 'lost' && e.reason === 'forced' && audit(e));
 */
export type LossReason =
  'deadline' | 'expired' | 'taken-over' | 'forced' | 'max-hold' | 'not-renewed' | 'shutdown';

/**
 * This process held the lock and can no longer prove that it does.
 *
 * @example
 * catch (error) {
 *   if (error instanceof LockLostError) logger.warn(`done, but not alone: ${error.result}`);
 * }
 */
export class LockLostError extends LockError {
  readonly code = 'LOCK_LOST';
  /** What the handler returned although its lock was lost; `undefined` if it did not. */
  readonly result?: unknown;
  /** What the handler threw, as `compensate` is told; `undefined` if it did not. */
  readonly error?: unknown;

  constructor(
    readonly lockName: string,
    readonly fencingToken: number,
    readonly reason: LossReason,
    options?: ErrorOptions & { message?: string; result?: unknown; error?: unknown },
  ) {
    super(options?.message ?? `The lock "${lockName}" was lost: ${LOSS[reason]}`, options);
    if (options && 'result' in options) this.result = options.result;
    if (options && 'error' in options) this.error = options.error;
  }
}

const LOSS: Record<LossReason, string> = {
  deadline:
    'no renewal was confirmed before its lease could end. Look at the connection to the store, at a blocked event loop, or choose a longer ttl.',
  expired: 'the store no longer has its lease (expired, flushed, evicted, or lost in a failover).',
  'taken-over': 'somebody else holds it now.',
  forced: 'it was released by force.',
  'max-hold': 'it was held for as long as maxHold allows.',
  'not-renewed': 'its ttl has passed, and it was taken with renew: false.',
  shutdown: 'the application is shutting down and drainTimeout has passed.',
};

/**
 * The handle was used after its release.
 *
 * @example
 * await lock.release();
 * lock.assertHeld(); // throws LockReleasedError
 */
export class LockReleasedError extends LockError {
  readonly code = 'LOCK_RELEASED';

  constructor(
    readonly lockName: string,
    message = `The lock "${lockName}" has been released; take it again to go on.`,
  ) {
    super(message);
  }
}

/**
 * The present async context runs under no lock of that name, and what was called needs one.
 *
 * @example
 * locks.assertHeld('invoice:42'); // outside of withLock and of decorated methods: LockNotHeldError
 */
export class LockNotHeldError extends LockError {
  readonly code = 'LOCK_NOT_HELD';

  constructor(
    readonly lockName: string,
    message = `The lock "${lockName}" is needed here, and nothing around this call holds it. ` +
      'Call this within locks.withLock(name, …) or a @Locked method.',
  ) {
    super(message);
  }
}

/**
 * A storage refused a write: it has seen a newer fencing token, so somebody else has had the lock since.
 * This attempt wrote nothing; what to do is up to the newer holder. Do not repeat it with the same token.
 *
 * @example
 * catch (error) { if (error instanceof StaleFencingTokenError) logger.warn(error.message); }
 */
export class StaleFencingTokenError extends LockError {
  readonly code = 'LOCK_STALE_FENCING_TOKEN';

  constructor(
    /** What was to be written to, by the name that the storage knows it under. */
    readonly resource: string,
    /** The token that was refused. */
    readonly fencingToken: number,
    /** The newest that the storage has seen, if it told. */
    readonly newestToken: number | null = null,
    options?: ErrorOptions,
  ) {
    const newest = newestToken === null ? 'a newer one' : String(newestToken);
    super(
      `The write to "${resource}" with the fencing token ${fencingToken} is refused: ${newest} has been ` +
        'there since. Another holder of the lock is at work; this one was too late.',
      options,
    );
  }
}

/**
 * The row whose fence was to be compared is not there: never written, or deleted meanwhile.
 *
 * @example
 * catch (error) { if (error instanceof FencedRowMissingError) throw new NotFoundException(); }
 */
export class FencedRowMissingError extends LockError {
  readonly code = 'LOCK_FENCED_ROW_MISSING';

  constructor(
    readonly table: string,
    readonly key: string | number | bigint,
  ) {
    super(
      `"${table}" has no row ${JSON.stringify(String(key))} to be fenced. Where rows may yet be made, use FenceGuard, ` +
        'which has a table of its own.',
    );
  }
}

/**
 * The lock is held by the same async context, and joining it was not wanted or is not possible.
 *
 * @example
 * await locks.withLock('a', () => locks.acquire('a', { reentrant: false })); // LockReentryError
 */
export class LockReentryError extends LockError {
  readonly code = 'LOCK_REENTRY';

  constructor(
    message: string,
    readonly lockName: string,
  ) {
    super(message);
  }
}

/**
 * The application is shutting down: no lock is given any more.
 *
 * @example
 * catch (error) { if (error instanceof LockDrainingError) throw new ServiceUnavailableException(); }
 */
export class LockDrainingError extends LockError {
  readonly code = 'LOCK_DRAINING';

  constructor(readonly lockName: string) {
    super(`The lock "${lockName}" is not given: the application is shutting down.`);
  }
}

/**
 * A lock's name, or a value that it is made from, is missing, empty or unusable.
 *
 * @example
 * await locks.acquire(''); // throws LockKeyError
 */
export class LockKeyError extends LockError {
  readonly code = 'LOCK_KEY';
}

/**
 * An option, a template or a use of a decorator is wrong; the message says what to write instead.
 *
 * @example
 * LockModule.forRoot({ ttl: -1 }); // throws LockOptionsError
 */
export class LockOptionsError extends LockError {
  readonly code = 'LOCK_OPTIONS';
}

/**
 * A decorated method ran on an object that Nest did not make, so that it has no LockService.
 *
 * @example
 * new InvoiceService().issue(invoice); // rejects with LockServiceMissingError
 */
export class LockServiceMissingError extends LockError {
  readonly code = 'LOCK_SERVICE_MISSING';
}

/** What has become of an element is in the way of doing it, not a lock. */
abstract class OutcomeError extends LockError {
  readonly lockName: string;

  constructor(
    readonly record: OutcomeRecord,
    message: string,
  ) {
    super(message);
    this.lockName = record.name;
  }
}

/**
 * Somebody began the element, has no lock any more and never told how it ended; `onUnknown: 'hold'`
 * lets nobody do it until that is resolved.
 *
 * @example
 * catch (error) { if (error instanceof OutcomeUnknownError) report(error.record); }
 */
export class OutcomeUnknownError extends OutcomeError {
  readonly code = 'LOCK_OUTCOME_UNKNOWN';

  constructor(record: OutcomeRecord) {
    const last = record.attempts.findLast(({ outcome }) => outcome === 'unknown');
    const by = last ? ` by ${holderText(last.holder)}${at(last.since)}` : '';
    super(
      record,
      `Nobody knows whether "${record.name}" was done: it was begun${by}, and its end was never told. ` +
        `Find out, then call locks.outcomes.resolve(name, 'processed' or 'retry').`,
    );
  }
}

/**
 * The same key came with other arguments than before: a key too coarse, or a caller that changed its mind.
 *
 * @example
 * catch (error) { if (error instanceof FingerprintError) throw new UnprocessableEntityException(); }
 */
export class FingerprintError extends OutcomeError {
  readonly code = 'LOCK_FINGERPRINT';

  constructor(record: OutcomeRecord) {
    super(
      record,
      `"${record.name}" was begun${at(record.attempts.at(-1)?.since)} with other arguments than these. ` +
        'Use another key for other work, or leave "fingerprint" out.',
    );
  }
}

/**
 * The work is done and marked as processed, but its result cannot be stored: too large, or no JSON.
 * The first call's error has the `result`; later ones cannot replay it.
 *
 * @example
 * catch (error) { if (error instanceof ResultNotStoredError) return error.result; }
 */
export class ResultNotStoredError extends LockError {
  readonly code = 'LOCK_RESULT_NOT_STORED';

  constructor(
    readonly lockName: string,
    reason: string,
    readonly result?: unknown,
  ) {
    super(
      `"${lockName}" is processed, but its result is not stored: ${reason}. ` +
        'Return less, raise "maxBytes", or leave "storeResult" out.',
    );
  }
}

function at(date: Date | null | undefined): string {
  return date ? ` at ${date.toISOString()}` : '';
}
