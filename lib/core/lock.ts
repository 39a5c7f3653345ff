import { inspect } from 'node:util';
import type { ReleaseOutcome } from '../stores/lock-store.interface.js';
import type { Duration } from './duration.js';
import type { Lease } from './lease.js';

/** What a lock asks of the client that made it. */
export interface LockOperations {
  extend(lease: Lease, ttl: Duration): Promise<void>;
  release(lease: Lease): Promise<ReleaseOutcome>;
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
    private readonly lease: Lease,
    private readonly operations: LockOperations,
  ) {}

  /** The name that is locked. */
  get name(): string {
    return this.lease.name;
  }

  /**
   * A number that grows with every acquisition of the name. Hand it to the storage, which refuses
   * writes with a smaller one than it has seen: only that stops a holder that was paused too long.
   *
   * @example
   * UPDATE invoice SET … , fence = $1 WHERE id = $2 AND fence <= $1
   */
  get fencingToken(): number {
    return this.lease.fencingToken;
  }

  /**
   * Aborts with a `LockLostError` at the moment from which the lock is no longer sure. Stays quiet
   * after a release.
   *
   * @example
   * await fetch(url, { method: 'POST', body, signal: lock.signal });
   */
  get signal(): AbortSignal {
    return this.lease.signal;
  }

  /** Whether the lock is sure to be held at this moment; compares clocks, so it is right even after a pause. */
  get isHeld(): boolean {
    return this.lease.isHeld;
  }

  /** Whether it has been released; a lost lock counts only once it is released too. */
  get isReleased(): boolean {
    return this.releasing !== undefined || this.lease.isReleased;
  }

  /** For how many milliseconds the lock is sure to be held without another renewal; 0 once it is not. */
  get remainingMs(): number {
    return this.lease.remainingMs;
  }

  /**
   * Throws unless the lock is sure to be held: `LockLostError`, or `LockReleasedError`.
   *
   * @example
   * lock.assertHeld(); // right before a step that cannot be undone
   */
  assertHeld(): void {
    this.lease.assertHeld();
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
    return this.operations.extend(this.lease, ttl);
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
    if (!this.releasing) {
      const releasing = this.operations.release(this.lease);
      this.releasing = releasing;
      releasing.catch(() => (this.releasing = undefined));
    }
    return this.releasing;
  }

  /** What logs show: not the owner, which is a secret, nor the client behind it. */
  toJSON(): { name: string; fencingToken: number; isHeld: boolean; remainingMs: number } {
    const { name, fencingToken, isHeld, remainingMs } = this;
    return { name, fencingToken, isHeld, remainingMs };
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
