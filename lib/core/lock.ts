import { inspect } from 'node:util';
import { LockOptionsError } from '../lock.errors.js';
import type { ReleaseOutcome } from '../stores/lock-store.interface.js';
import type { Outcome } from '../stores/outcome.interface.js';
import type { Duration } from './duration.js';
import { type Holding, modeOf, type Tenure } from './tenure.js';

/** What a lock asks of the client that made it. */
export interface LockOperations {
  extend(holding: Holding, ttl: Duration): Promise<void>;
  /** @param by is told of a failure, after which it may be tried again */
  release(holding: Holding, by?: Lock, outcome?: Outcome): Promise<ReleaseOutcome>;
  detach(holding: Holding): string;
}

/**
 * A lock that one caller holds. It knows by its own clock when it is no longer sure to hold it,
 * and renews its lease until it is released.
 *
 * @example
 * await using lock = await locks.acquire('invoice:42');
 * await authority.submit(invoice, { signal: lock.signal, fencingToken: lock.fencingToken });
 */
export class Lock implements AsyncDisposable {
  private releasing: Promise<ReleaseOutcome> | undefined;

  /** @internal */
  constructor(
    private readonly holding: Holding,
    private readonly operations: LockOperations,
  ) {}

  /** The name that is locked; of several, all of them in a row. */
  get name(): string {
    return this.holding.name;
  }

  /** The names that are locked, in the order in which everybody takes them. */
  get names(): readonly string[] {
    return this.holding.tenures.map(({ name }) => name);
  }

  /** Whether others may hold it too: with `'shared'` those that share it, with `'permit'` as many as there are permits. */
  get mode(): 'exclusive' | 'shared' | 'permit' {
    return modeOf(this.holding);
  }

  /**
   * A number that grows with every acquisition of the name. Hand it to the storage, which refuses
   * writes with a smaller one than it has seen: only that stops a holder that was paused too long.
   *
   * @throws LockOptionsError if several names are locked: use `fencingTokens`
   * @example
   * const update = 'UPDATE invoice SET status = $3, fence = $1 WHERE id = $2 AND fence <= $1';
   * await pool.query(update, [lock.fencingToken, 42, 'issued']);
   */
  get fencingToken(): number {
    const [{ fencingToken }, ...others] = this.holding.tenures as [Tenure, ...Tenure[]];
    if (others.length === 0) return fencingToken;
    throw new LockOptionsError(
      `The lock of "${this.name}" has a fencing token for each name: use lock.fencingTokens.get(name).`,
    );
  }

  /**
   * The fencing token of each name: one common number would make the next holder of a single name
   * look stale.
   *
   * @example
   * lock.fencingTokens.get('account:1');
   */
  get fencingTokens(): ReadonlyMap<string, number> {
    return new Map(this.holding.tenures.map(({ name, fencingToken }) => [name, fencingToken]));
  }

  /** On how many replicas the lease had arrived when it was taken; `undefined` unless `minReplicas` was asked for. */
  get replicas(): number | undefined {
    const counts = this.holding.tenures.flatMap(({ lease }) => lease.replicas ?? []);
    return counts.length > 0 ? Math.min(...counts) : undefined;
  }

  /**
   * Aborts with a `LockLostError` at the moment from which the lock is no longer sure. Stays quiet
   * after a release.
   *
   * @example
   * await fetch(url, { method: 'POST', body, signal: lock.signal });
   */
  get signal(): AbortSignal {
    return this.holding.signal;
  }

  /** Whether the lock is sure to be held at this moment; compares clocks, so it is right even after a pause. */
  get isHeld(): boolean {
    return this.holding.isHeld;
  }

  /** Whether it has been released; a lost lock counts only once it is released too. */
  get isReleased(): boolean {
    return this.releasing !== undefined || this.holding.isReleased;
  }

  /** For how many milliseconds the lock is sure to be held without another renewal; 0 once it is not. */
  get remainingMs(): number {
    return this.holding.remainingMs;
  }

  /**
   * Throws unless the lock is sure to be held: `LockLostError`, or `LockReleasedError`.
   *
   * @example
   * lock.assertHeld(); // right before a step that cannot be undone
   */
  assertHeld(): void {
    this.holding.assertHeld();
  }

  /**
   * Sets the lease to `ttl` from now, shorter or longer; renewals go on with it.
   *
   * @param ttl milliseconds, or a text such as `'2 minutes'`; 50 ms to 2³¹ − 1 ms
   * @throws LockLostError if it is lost, or the store says so now
   * @throws LockReleasedError if it is released
   * @throws LockStoreError if the store does not answer; the lease is then counted by the shorter ttl
   * @example
   * await lock.extend('10 minutes');
   */
  extend(ttl: Duration): Promise<void> {
    return this.operations.extend(this.holding, ttl);
  }

  /**
   * Turns the lock into a text for `LockService.attach` in another process, such as the job that
   * finishes the work. This handle is inert from then on: nothing renews the lease until it is
   * attached, which must happen before its ttl has passed.
   *
   * @returns a text that proves ownership: treat it as a secret
   * @throws LockLostError, LockReleasedError if it is not held
   * @throws LockReentryError while others of the same async context hold it, too
   * @example
   * await queue.add('submit', { invoice: 42, lock: lock.detach() });
   */
  detach(): string {
    const text = this.operations.detach(this.holding);
    this.releasing = Promise.resolve('released');
    return text;
  }

  /**
   * Gives the lock back. May be repeated; after a failure that asks the store again.
   *
   * @returns `released`, or `expired` or `taken-over` if it was not ours any more
   * @throws LockStoreError if the store does not answer; the release then goes on in the background
   * @example
   * if ((await lock.release()) !== 'released') logger.warn('somebody may have worked beside us');
   */
  release(): Promise<ReleaseOutcome> {
    if (this.holding.isOnce) {
      const problem = `The lock "${this.name}" is held to do something once, and ends when that does: do not release it.`;
      return Promise.reject(new LockOptionsError(problem));
    }
    return (this.releasing ??= this.operations.release(this.holding, this));
  }

  /** @internal Gives it back, even if it was before, and tells what became of its element if that is known. */
  end(outcome: Outcome | undefined): Promise<ReleaseOutcome> {
    return (this.releasing = this.operations.release(this.holding, this, outcome));
  }

  /** @internal The store has not answered. */
  releaseFailed(): void {
    this.releasing = undefined;
  }

  /** What logs show: not the owner, which is a secret, nor the client behind it. */
  toJSON(): {
    name: string;
    fencingTokens: Record<string, number>;
    isHeld: boolean;
    remainingMs: number;
  } {
    const { name, fencingTokens, isHeld, remainingMs } = this;
    return { name, fencingTokens: Object.fromEntries(fencingTokens), isHeld, remainingMs };
  }

  /** @internal */
  [inspect.custom](): string {
    return `Lock ${inspect(this.toJSON())}`;
  }

  /** For `await using`: releases, and throws as `release()` does. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.release();
  }
}
