import { type LockError, LockLostError, LockOptionsError } from '../lock.errors.js';
import type { ReleaseOutcome } from '../stores/lock-store.interface.js';
import type { Outcome } from '../stores/outcome.interface.js';
import type { AcquireOptions } from './acquire-options.js';
import { describeValue } from './describe-value.js';
import type { LockContext } from './lock-context.js';
import type { LockEventSink } from './lock-events.js';
import type { Lock } from './lock.js';
import type { RetryOptions } from './retry.js';
import type { Holding, Tenure } from './tenure.js';

/**
 * What to do about a lock that was lost before the work under it had ended: roll back, retry, or
 * tell somebody. What it returns becomes the call's result.
 *
 * @param loss carries the work's `result` if the work returned, its `error` if it threw
 *
 * @example
 * const compensate: Compensate<void> = (loss) => ledger.cancel(loss.result);
 */
export type Compensate<T> = (loss: LockLostError) => T | PromiseLike<T>;

/**
 * How a lock is taken and what happens should it be lost.
 *
 * @example
 * await locks.withLock('invoice:42', issue, { compensate: (loss) => cancel(loss.result) });
 */
export interface WithLockOptions<T> extends AcquireOptions {
  /** Called when the lock was lost before the work ended, instead of failing with `LockLostError`. */
  readonly compensate?: Compensate<T>;
  /** Does the work again if the lock was lost before it ended: for work that may be repeated. */
  readonly retry?: RetryOptions;
}

/** Before a lock is taken: at its loss it would be too late. */
export function checkCompensate(compensate: unknown, what: string): void {
  if (compensate === undefined || typeof compensate === 'function') return;
  throw new LockOptionsError(
    `${what}: "compensate" is ${describeValue(compensate)}; write a function.`,
  );
}

/** What the end of work that is done once is told as. */
export interface Ending<T> {
  /** With an error, the call fails although the work is done. */
  succeeded(result: T): { readonly outcome: Outcome; readonly error?: LockError | undefined };
  /** `undefined` leaves it as it is: nobody knows. */
  failed(error: unknown): Outcome | undefined;
}

const NOT_MARKED =
  ' It is not marked as processed yet, since the store does not answer: that goes on in the background.';

/** The lock was lost, and the work may be done again; or else it ends as it would have ended. */
export class Again<T> {
  /** @param settle ends it after all, since that could not be done: that is `cause` */
  constructor(readonly settle: (cause: unknown) => Promise<T>) {}
}

/** A lock and the work that is done under it; keeps the contract about how the two end. */
export class Hold {
  constructor(
    private readonly lock: Lock,
    private readonly holding: Holding,
    private readonly context: LockContext,
    private readonly emit: LockEventSink,
    private readonly ending?: Ending<any>,
  ) {}

  /**
   * Does the work and gives the lock back. The work's own error comes out as it is; a result that
   * was reached without the lock does not, unless `compensate` takes care of it.
   *
   * @param mayRepeat whether a loss is answered with `Again`; never once something is done that is done once
   */
  async complete<T>(
    work: (lock: Lock) => T | PromiseLike<T>,
    compensate?: Compensate<T>,
    mayRepeat = false,
  ): Promise<T | Again<T>> {
    let result: T;
    try {
      result = await this.context.run(this.lock, this.holding, () => work(this.lock));
    } catch (error) {
      const loss = await this.end(this.ending && { outcome: this.ending.failed(error) }).catch(
        () => undefined,
      ); // told as an event
      if (!loss) throw error;
      const settle = (): Promise<T> => this.settleFailure(loss, error, compensate);
      return mayRepeat ? new Again(settle) : settle();
    }
    // It was done under the lock: that this could not be told is an event, and no failure of the work.
    if (this.ending) return this.succeed(result, compensate, false);
    const loss = await this.end().catch(() => undefined); // the release goes on in the background
    if (!loss) return result;
    const settle = (cause: unknown): Promise<T> =>
      this.settle(withResult(loss, result, cause), compensate);
    return mayRepeat ? new Again(settle) : settle(loss);
  }

  /**
   * Tells that what is done once is done, even if the lock is lost, and gives the lock back.
   *
   * @param mustBeTold whether it fails if the store does not answer; it is told in the background then
   * @throws LockLostError if it was lost, unless `compensate` takes care of it
   */
  async succeed<T>(result: T, compensate?: Compensate<T>, mustBeTold = true): Promise<T> {
    const { outcome, error } = this.ending!.succeeded(result);
    const { loss: former } = this.holding;
    let loss = former;
    let failure: unknown;
    try {
      const found = await this.lock.end(outcome); // also after a loss: it is done
      loss ??= this.lossIn(found);
    } catch (unanswered) {
      if (!former && mustBeTold) throw unanswered;
      failure = unanswered;
    }
    if (loss) {
      const more = failure === undefined ? '' : NOT_MARKED;
      return this.settle(withResult(loss, result, failure ?? loss, more), compensate);
    }
    if (error) throw error;
    return result;
  }

  /** Gives the lock back after a failure, and tells the outcome unless the lock was lost. */
  async fail(
    outcome: Outcome | undefined,
    compensate?: Compensate<unknown>,
  ): Promise<ReleaseOutcome | 'unconfirmed'> {
    let loss: LockLostError | undefined;
    try {
      loss = await this.end({ outcome });
    } catch {
      return 'unconfirmed'; // told as an event
    }
    if (!loss) return 'released';
    if (compensate) await this.compensated(loss, compensate);
    return loss.reason === 'taken-over' ? 'taken-over' : 'expired';
  }

  /**
   * Gives the lock back; tells the loss if it was not held to the end. After a loss nobody knows how
   * the work has ended, since a request may have been on its way: no outcome is told then.
   */
  private async end(told?: {
    readonly outcome: Outcome | undefined;
  }): Promise<LockLostError | undefined> {
    const { loss } = this.holding;
    if (loss) {
      // Of several names the others are still held.
      if (this.tenures.length > 1) this.lock.release().catch(() => undefined); // told as an event
      return loss;
    }
    return this.lossIn(await (told ? this.lock.end(told.outcome) : this.lock.release()));
  }

  private get tenures(): [Tenure, ...Tenure[]] {
    return this.holding.tenures as [Tenure, ...Tenure[]];
  }

  private lossIn(released: ReleaseOutcome): LockLostError | undefined {
    if (released === 'released') return undefined;
    const [{ name, fencingToken }] = this.tenures;
    return new LockLostError(name, fencingToken, released);
  }

  private settle<T>(loss: LockLostError, compensate: Compensate<T> | undefined): Promise<T> {
    return compensate ? this.compensated(loss, compensate) : Promise.reject(loss);
  }

  private async settleFailure<T>(
    loss: LockLostError,
    error: unknown,
    compensate: Compensate<T> | undefined,
  ): Promise<T> {
    if (compensate) {
      // The work ended because of the loss: there is no error of its own to come out.
      if (error === loss) return this.compensated(loss, compensate);
      await this.compensateFailure(withError(loss, error), compensate);
    }
    throw error;
  }

  private async compensated<T>(loss: LockLostError, compensate: Compensate<T>): Promise<T> {
    const result = await compensate(loss);
    const { lockName: name, fencingToken, reason } = loss;
    this.emit({ type: 'compensated', name, fencingToken, reason });
    return result;
  }

  private async compensateFailure<T>(
    loss: LockLostError,
    compensate: Compensate<T>,
  ): Promise<void> {
    try {
      await this.compensated(loss, compensate);
    } catch (error) {
      const { lockName: name, fencingToken } = loss;
      this.emit({ type: 'compensation-failed', name, fencingToken, error });
    }
  }
}

function withResult(
  loss: LockLostError,
  result: unknown,
  cause: unknown,
  more = '',
): LockLostError {
  const message = `${loss.message} The work under it went on to its end without it; what it returned is in "result".${more}`;
  const { lockName, fencingToken, reason } = loss;
  return new LockLostError(lockName, fencingToken, reason, { message, result, cause });
}

function withError(loss: LockLostError, error: unknown): LockLostError {
  const message = `${loss.message} The work under it threw; that is in "error".`;
  return new LockLostError(loss.lockName, loss.fencingToken, loss.reason, {
    message,
    error,
    cause: loss,
  });
}
