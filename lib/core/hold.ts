import { LockLostError } from '../lock.errors.js';
import type { AcquireOptions } from './acquire-options.js';
import type { LockContext } from './lock-context.js';
import type { LockEventSink } from './lock-events.js';
import type { Lock } from './lock.js';
import type { Holding, Tenure } from './tenure.js';

/**
 * What to do about a lock that was lost before the work under it had ended: roll back, retry, or
 * tell somebody. What it returns becomes the call's result.
 *
 * @param loss carries the work's `result`, if the work returned
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
}

/** A lock and the work that is done under it; keeps the contract about how the two end. */
export class Hold {
  constructor(
    private readonly lock: Lock,
    private readonly holding: Holding,
    private readonly context: LockContext,
    private readonly emit: LockEventSink,
  ) {}

  /**
   * Does the work and gives the lock back. The work's own error comes out as it is; a result that
   * was reached without the lock does not, unless `compensate` takes care of it.
   */
  async complete<T>(
    work: (lock: Lock) => T | PromiseLike<T>,
    compensate?: Compensate<T>,
  ): Promise<T> {
    let result: T;
    try {
      result = await this.context.run(this.lock, this.holding, () => work(this.lock));
    } catch (error) {
      const loss = await this.end();
      if (loss && compensate) {
        // The work ended because of the loss: there is no error of its own to come out.
        if (error === loss) return compensate(loss);
        await this.compensateFailure(loss, compensate);
      }
      throw error;
    }
    const loss = await this.end();
    if (!loss) return result;
    const lossWithResult = withResult(loss, result);
    if (compensate) return compensate(lossWithResult);
    throw lossWithResult;
  }

  /** Tells the loss if the lock was not held to the end. */
  private async end(): Promise<LockLostError | undefined> {
    const { loss } = this.holding;
    if (loss) {
      // Of several names the others are still held.
      if (this.holding.tenures.length > 1) this.lock.release().catch(() => undefined); // told as an event
      return loss;
    }
    try {
      const outcome = await this.lock.release();
      if (outcome === 'released') return undefined;
      const [{ name, fencingToken }] = this.holding.tenures as [Tenure, ...Tenure[]];
      return new LockLostError(name, fencingToken, outcome);
    } catch {
      // The work was done under the lock; the release goes on in the background, told as an event.
      return undefined;
    }
  }

  private async compensateFailure<T>(
    loss: LockLostError,
    compensate: Compensate<T>,
  ): Promise<void> {
    try {
      await compensate(loss);
    } catch (error) {
      const { lockName: name, fencingToken } = loss;
      this.emit({ type: 'compensation-failed', name, fencingToken, error });
    }
  }
}

function withResult(loss: LockLostError, result: unknown): LockLostError {
  const message = `${loss.message} The work under it went on to its end without it; what it returned is in "result".`;
  return new LockLostError(loss.lockName, loss.fencingToken, loss.reason, {
    message,
    result,
    cause: loss,
  });
}
