import { LockBusyError, LockOptionsError } from '../lock.errors.js';
import type { LeaseRecord, NameRecord } from '../stores/lock-store.interface.js';
import { type AcquireOptions, refuseNoObject } from './acquire-options.js';
import type { Want } from './acquisition.js';
import { describeValue } from './describe-value.js';
import type { WithLockOptions } from './hold.js';
import type { Lock } from './lock.js';

/**
 * How permits are taken; what is left out comes from the module's options.
 *
 * @example
 * await authority.acquire({ count: 2, wait: '1 minute' });
 */
export interface PermitOptions extends Omit<AcquireOptions, 'mode' | 'reentrant'> {
  /** How many permits, all or none of them. Default: 1. */
  readonly count?: number;
}

/**
 * How permits are taken at once or not at all.
 *
 * @example
 * const permit = await authority.tryAcquire({ count: 2 });
 */
export type TryPermitOptions = Omit<PermitOptions, 'wait'>;

/**
 * How permits are taken, and what happens should they be lost.
 *
 * @example
 * await authority.withPermit(submit, { compensate: (loss) => cancel(loss.result) });
 */
export interface WithPermitsOptions<T> extends Omit<WithLockOptions<T>, 'mode' | 'reentrant'> {
  /** How many permits, all or none of them. Default: 1. */
  readonly count?: number;
}

/** What a semaphore asks of the client that made it. */
export interface SemaphoreOperations {
  acquireWanted(want: Want, options: AcquireOptions): Promise<Lock>;
  withWanted<T>(
    want: Want,
    work: (lock: Lock) => T | PromiseLike<T>,
    options: WithLockOptions<T>,
  ): Promise<T>;
  inspect(subject: Want): Promise<NameRecord>;
  forceRelease(subject: Want, fencingToken: number): Promise<readonly LeaseRecord[]>;
}

/**
 * So many may do something at a time, over all processes. Every permit is a lease of its own: a crash
 * gives it back, and only its owner can.
 *
 * The last declared number of permits counts for everybody. Not re-entrant: who asks twice has two.
 *
 * @example
 * const authority = locks.semaphore('tax-authority', 4);
 * await authority.withPermit(() => submit(invoice));
 */
export class Semaphore {
  private readonly whole: Want;

  /** @internal */
  constructor(
    readonly name: string,
    /** How many there are. */
    readonly permits: number,
    private readonly operations: SemaphoreOperations,
  ) {
    checkPermits(permits, 1, `semaphore "${name}"`);
    this.whole = { name, kind: 'semaphore', units: 1, permits };
  }

  /**
   * Takes permits, waiting in the queue while too few are free.
   *
   * @throws LockTimeoutError (a `LockBusyError`) when the wait has ended; as `LockService.acquire` does
   * @throws LockOptionsError if `count` is none, or more than there are
   * @example
   * await using permit = await authority.acquire();
   */
  async acquire(options: PermitOptions = {}): Promise<Lock> {
    refuseNoObject(options, 'acquire() of a semaphore');
    const { count, ...acquireOptions } = options;
    return this.operations.acquireWanted(this.want(count), acquireOptions);
  }

  /**
   * Takes permits if enough are free and nobody waits for them, and never waits.
   *
   * @returns `null` if they are not
   * @throws as `acquire` does, but for being busy
   * @example
   * const permit = await authority.tryAcquire();
   */
  async tryAcquire(options: TryPermitOptions = {}): Promise<Lock | null> {
    refuseNoObject(options, 'tryAcquire() of a semaphore');
    if ('wait' in options && options.wait !== undefined) {
      throw new LockOptionsError('tryAcquire never waits: leave "wait" out, or use acquire.');
    }
    try {
      return await this.acquire({ ...options, wait: 0 });
    } catch (error) {
      if (error instanceof LockBusyError) return null;
      throw error;
    }
  }

  /**
   * Does the work while it has permits, and gives them back however the work ends.
   *
   * @returns what `work` returns, or what `compensate` returns if the permits were lost
   * @throws as `LockService.withLock` does
   * @example
   * await authority.withPermit((permit) => submit(invoice, permit.signal));
   */
  async withPermit<T>(
    work: (permit: Lock) => T | PromiseLike<T>,
    options: WithPermitsOptions<T> = {},
  ): Promise<T> {
    refuseNoObject(options, 'withPermit()');
    const { count, ...withOptions } = options;
    return this.operations.withWanted(this.want(count), work, withOptions);
  }

  /**
   * Tells who has permits and who waits for them.
   *
   * @throws LockStoreError if the store cannot be asked
   * @example
   * const { holders, waiting } = await authority.inspect();
   */
  inspect(): Promise<NameRecord> {
    return this.operations.inspect(this.whole);
  }

  /**
   * Takes the permits with this token from whoever has them; the holder's signal aborts with reason
   * `forced`, at the latest with its next renewal.
   *
   * @returns who had them, or `null`
   * @throws LockStoreError if the store cannot be asked
   * @example
   * const [oldest] = (await authority.inspect()).holders;
   * if (oldest) await authority.forceRelease(oldest.fencingToken);
   */
  async forceRelease(fencingToken: number): Promise<LeaseRecord | null> {
    return (await this.operations.forceRelease(this.whole, fencingToken))[0] ?? null;
  }

  private want(count = 1): Want {
    checkPermits(this.permits, count, `semaphore "${this.name}"`);
    return { ...this.whole, units: count };
  }
}

const MOST_PERMITS = 1_000_000;

/**
 * Checks how many permits there are, and how many are asked for; `what` names the use in messages.
 *
 * @throws LockOptionsError unless both are whole numbers from 1 on, and enough of them
 */
export function checkPermits(
  permits: unknown,
  count: unknown,
  what: string,
  called = 'permits',
): void {
  for (const [key, value] of Object.entries({ [called]: permits, count })) {
    const isCount = typeof value === 'number' && Number.isInteger(value);
    if (isCount && value > 0 && value <= MOST_PERMITS) continue;
    throw new LockOptionsError(
      `${what}: "${key}" is ${describeValue(value)}; write a whole number from 1 to ${MOST_PERMITS}.`,
    );
  }
  if ((count as number) <= (permits as number)) return;
  throw new LockOptionsError(
    `${what}: ${String(count)} permits are asked for at once, and there are only ${String(permits)}.`,
  );
}
