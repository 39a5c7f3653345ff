import type { AcquireOptions } from './acquire-options.js';
import type { Clock } from './clock.js';
import { Again, checkCompensate, type Ending, Hold, type WithLockOptions } from './hold.js';
import type { LockContext } from './lock-context.js';
import type { LockEventSink } from './lock-events.js';
import type { Lock } from './lock.js';
import { Pauses } from './pauses.js';
import { resolveRetry } from './retry.js';
import { AlreadyProcessedError } from './refusal.js';
import type { Holding } from './tenure.js';

export interface WorksTools {
  readonly clock: Clock;
  readonly context: LockContext;
  readonly emit: LockEventSink;
  readonly lockOf: (holding: Holding) => Lock;
  /** A work has ended. */
  readonly checkIdle: () => void;
}

type Work<T> = (lock: Lock) => T | PromiseLike<T>;

/** The works that callers have done under locks; does them, and does them again where that is asked for. */
export class Works {
  private readonly pauses: Pauses;
  private underWay = 0;

  constructor(private readonly tools: WorksTools) {
    this.pauses = new Pauses(tools.clock);
  }

  /** How many have not ended. */
  get size(): number {
    return this.underWay;
  }

  /** Does the work under a lock that is taken. */
  do<T>(holding: Holding, work: Work<T>): Promise<T> {
    return this.count(this.holdOf(holding).complete(work) as Promise<T>);
  }

  /**
   * Does the work under what `take` takes; again, if that was lost and the options say so.
   *
   * @param what names the call in messages
   * @param ending of work that is done once
   */
  async repeat<T>(
    what: string,
    take: (options: AcquireOptions) => Promise<Holding>,
    work: Work<T>,
    { compensate, retry, ...options }: WithLockOptions<T>,
    ending?: Ending<T>,
  ): Promise<T> {
    checkCompensate(compensate, what);
    const { attempts, pauseAfter } = resolveRetry(retry, what);
    let again: Again<T> | undefined;
    for (let made = 1; ; made++) {
      let holding: Holding;
      try {
        if (again) await this.pauseAfter(pauseAfter(made - 1), options.signal);
        holding = await take(options);
      } catch (error) {
        // What has been done by somebody else meanwhile needs no other end.
        if (!again || error instanceof AlreadyProcessedError) throw error;
        return again.settle(error);
      }
      const hold = this.holdOf(holding, ending);
      const result = await this.count(hold.complete(work, compensate, made < attempts));
      if (!(result instanceof Again)) return result;
      again = result;
    }
  }

  private pauseAfter(ms: number, signal: AbortSignal | undefined): Promise<void> {
    return this.pauses.pause(ms, { isWaitedFor: true, signal });
  }

  /** How work under a lock ends. */
  holdOf(holding: Holding, ending?: Ending<any>, lock = this.tools.lockOf(holding)): Hold {
    return new Hold(lock, holding, this.tools.context, this.tools.emit, ending);
  }

  /** Ends all pauses: nothing is taken again. */
  drain(): void {
    this.pauses.end();
  }

  private async count<T>(work: Promise<T>): Promise<T> {
    this.underWay++;
    try {
      return await work;
    } finally {
      this.underWay--;
      this.tools.checkIdle();
    }
  }
}
