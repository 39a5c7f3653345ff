import {
  LockBusyError,
  LockDrainingError,
  LockLostError,
  LockOptionsError,
} from '../lock.errors.js';
import type {
  Holder,
  LeaseRecord,
  LockStore,
  ReleaseOutcome,
} from '../stores/lock-store.interface.js';
import {
  type AcquireDefaults,
  type AcquireOptions,
  resolveAcquireOptions,
  type ResolvedAcquireOptions,
  TTL_BOUNDS,
  type TryAcquireOptions,
} from './acquire-options.js';
import { Acquisition, type AcquisitionTools } from './acquisition.js';
import { BoundedStore } from './bounded-store.js';
import { type Clock, systemClock } from './clock.js';
import { type Duration, parseDuration } from './duration.js';
import { Hold, type WithLockOptions } from './hold.js';
import { LeaseCleaner } from './lease-cleaner.js';
import { LeaseKeeper } from './lease-keeper.js';
import { driftOf, Lease, type LeaseGrant } from './lease.js';
import { LeakWatch } from './leak-watch.js';
import { LocalQueue } from './local-queue.js';
import { LockContext } from './lock-context.js';
import type { LockEventSink } from './lock-events.js';
import { checkLockName } from './lock-name.js';
import { Lock, type LockOperations } from './lock.js';

export interface LockClientOptions extends AcquireDefaults {
  readonly store: LockStore;
  readonly holder: Holder;
  readonly storeTimeoutMs: number;
  readonly leakStacks: boolean;
  readonly emit: LockEventSink;
}

/**
 * What a service's own lock looks like from outside.
 *
 * @example
 * locks.held().filter(({ heldMs }: HeldLock) => heldMs > 60_000);
 */
export interface HeldLock {
  readonly name: string;
  readonly fencingToken: number;
  /** For how long it has been held, in milliseconds. */
  readonly heldMs: number;
  /** For how long it is sure to be held without another renewal, in milliseconds. */
  readonly remainingMs: number;
}

/** Takes, keeps and gives back locks on one store: everything but Nest. */
export class LockClient implements LockOperations {
  readonly context = new LockContext();

  private readonly clock: Clock;
  private readonly store: BoundedStore;
  private readonly queue = new LocalQueue();
  private readonly keeper: LeaseKeeper;
  private readonly cleaner: LeaseCleaner;
  private readonly leaks: LeakWatch;
  private readonly tools: AcquisitionTools;
  /** Acquisitions under way, leases not yet given back, and holds whose work has not ended. */
  private readonly unfinished = new Set<Acquisition | Lease | Hold>();
  private whenIdle: (() => void) | undefined;
  private draining = false;

  constructor(private readonly options: LockClientOptions) {
    this.clock = options.store.clock ?? systemClock;
    this.store = new BoundedStore(options.store, this.clock, options.storeTimeoutMs);
    this.cleaner = new LeaseCleaner(this.store, this.clock);
    this.keeper = new LeaseKeeper(this.store, this.clock, (names, error) =>
      options.emit({ type: 'renewal-failed', names, error }),
    );
    this.leaks = new LeakWatch(options.leakStacks, (lease, stack) => this.reclaim(lease, stack));
    const { store, clock, queue, cleaner } = this;
    this.tools = { store, clock, queue, cleaner, holder: options.holder };
  }

  connect(timeoutMs: number): Promise<void> {
    return this.store.connect(timeoutMs);
  }

  async acquire(name: string, options: AcquireOptions = {}): Promise<Lock> {
    const lease = await this.takeLease(name, options);
    const lock = new Lock(lease, this);
    // Without renewal it ends by itself, and may be left to that.
    if (options.renew !== false) this.leaks.watch(lock, lease);
    return lock;
  }

  async tryAcquire(name: string, options: TryAcquireOptions = {}): Promise<Lock | null> {
    if ('wait' in options && options.wait !== undefined) {
      throw new LockOptionsError('tryAcquire never waits: leave "wait" out, or use acquire.');
    }
    try {
      return await this.acquire(name, { ...options, wait: 0 });
    } catch (error) {
      if (error instanceof LockBusyError) return null;
      throw error;
    }
  }

  async withLock<T>(
    name: string,
    work: (lock: Lock) => T | PromiseLike<T>,
    options: WithLockOptions<T> = {},
  ): Promise<T> {
    const { compensate, ...acquireOptions } = options;
    const lease = await this.takeLease(name, acquireOptions);
    const hold = new Hold(new Lock(lease, this), lease, this.context, this.options.emit);
    this.unfinished.add(hold);
    try {
      return await hold.complete(work, compensate);
    } finally {
      this.finish(hold);
    }
  }

  async inspect(name: string): Promise<LeaseRecord | null> {
    return this.store.inspect(checkLockName(name));
  }

  async forceRelease(name: string): Promise<LeaseRecord | null> {
    const holder = await this.store.forceRelease(checkLockName(name));
    if (!holder) return null;
    this.options.emit({ type: 'forced', name, holder });
    for (const lease of this.keeper) {
      if (lease.name === name && lease.fencingToken === holder.fencingToken) lease.lose('forced');
    }
    this.queue.wake(name);
    return holder;
  }

  held(): HeldLock[] {
    return Array.from(this.keeper)
      .filter((lease) => lease.isHeld)
      .map(({ name, fencingToken, heldMs, remainingMs }) => ({
        name,
        fencingToken,
        heldMs,
        remainingMs,
      }));
  }

  async extend(lease: Lease, ttl: Duration): Promise<void> {
    const ttlMs = parseDuration(ttl, `extend("${lease.name}"): the ttl`, TTL_BOUNDS);
    lease.assertHeld();
    const sentAt = this.clock.now();
    const request = lease.beginExtension(ttlMs, sentAt);
    this.keeper.reconsider(lease);
    const [reply] = await this.store.renew([request]);
    if (reply === 'renewed') lease.confirm(sentAt, request.ttlMs);
    else lease.lose(reply!);
    this.keeper.reconsider(lease);
    lease.assertHeld();
  }

  async release(lease: Lease): Promise<ReleaseOutcome> {
    const { name, owner, fencingToken } = lease;
    const endsHere = lease.markReleased();
    this.keeper.drop(lease);
    this.leaks.unwatch(lease);
    try {
      const outcome = await this.store.release({ name, owner, fencingToken });
      if (endsHere) this.tellEnd(lease, outcome);
      return outcome;
    } catch (error) {
      this.cleaner.clean({ name, owner, fencingToken }, lease.ttlMs);
      if (endsHere) {
        const { heldMs } = lease;
        this.options.emit({
          type: 'release-failed',
          name,
          fencingToken,
          heldMs,
          error: error as Error,
        });
      }
      throw error;
    } finally {
      this.finish(lease);
      this.queue.wake(name);
    }
  }

  /** Refuses new locks, rejects waiters, gives handlers `timeoutMs`, then takes their locks away. */
  async drain(timeoutMs: number): Promise<void> {
    this.draining = true;
    for (const task of this.unfinished) if (task instanceof Acquisition) task.drain();
    await this.untilIdle(timeoutMs);
    for (const lease of this.keeper) lease.lose('shutdown');
    await this.cleaner.close();
  }

  close(): Promise<void> {
    return this.store.close();
  }

  private async takeLease(name: string, options: AcquireOptions): Promise<Lease> {
    checkLockName(name);
    const resolved = resolveAcquireOptions(options, this.options, `lock "${name}"`);
    if (this.draining) throw new LockDrainingError(name);
    const acquisition = new Acquisition(this.tools, name, resolved);
    this.unfinished.add(acquisition);
    try {
      const grant = await this.run(acquisition, name, resolved);
      if (!this.draining) return this.begin(grant, acquisition.waitedMs);
      this.cleaner.clean(grant, resolved.ttlMs);
      throw new LockDrainingError(name);
    } finally {
      this.finish(acquisition);
    }
  }

  private async run(
    acquisition: Acquisition,
    name: string,
    { waitMs }: ResolvedAcquireOptions,
  ): Promise<LeaseGrant> {
    try {
      return await (waitMs > 0 ? acquisition.wait() : acquisition.tryOnce());
    } catch (error) {
      if (error instanceof LockBusyError) {
        const { holder } = error;
        this.options.emit({ type: 'busy', name, waitedMs: acquisition.waitedMs, holder });
      }
      throw error;
    }
  }

  private begin(grant: LeaseGrant, waitedMs: number): Lease {
    const lease = new Lease(grant, this.clock, (lost, loss) => this.onLost(lost, loss));
    this.unfinished.add(lease);
    this.keeper.keep(lease);
    const { name, fencingToken } = lease;
    this.options.emit({ type: 'acquired', name, fencingToken, waitedMs });
    return lease;
  }

  private onLost(lease: Lease, error: LockLostError): void {
    const { name, owner, fencingToken, heldMs, ttlMs } = lease;
    const { reason } = error;
    this.keeper.drop(lease);
    this.leaks.unwatch(lease);
    this.finish(lease);
    this.options.emit({ type: 'lost', name, fencingToken, heldMs, reason, error });
    if (reason === 'deadline') {
      // A renewal still on its way would keep the name taken for another ttl, with nobody behind it.
      this.cleaner.clean({ name, owner, fencingToken }, ttlMs, driftOf(ttlMs));
    } else if (reason === 'shutdown') {
      this.cleaner.clean({ name, owner, fencingToken }, ttlMs);
    }
    this.queue.wake(name);
  }

  private tellEnd(lease: Lease, outcome: ReleaseOutcome): void {
    const { name, fencingToken, heldMs } = lease;
    if (outcome === 'released') {
      this.options.emit({ type: 'released', name, fencingToken, heldMs });
    } else {
      const error = new LockLostError(name, fencingToken, outcome);
      this.options.emit({ type: 'lost', name, fencingToken, heldMs, reason: outcome, error });
    }
  }

  private reclaim(lease: Lease, stack: string | undefined): void {
    if (!lease.isHeld) return;
    const { name, fencingToken } = lease;
    this.options.emit({ type: 'leaked', name, fencingToken, stack });
    this.release(lease).catch(() => undefined); // told as release-failed
  }

  private finish(ended: Acquisition | Lease | Hold): void {
    this.unfinished.delete(ended);
    if (this.unfinished.size === 0) this.whenIdle?.();
  }

  private untilIdle(timeoutMs: number): Promise<void> {
    if (this.unfinished.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = this.clock.setTimer(resolve, timeoutMs, true);
      this.whenIdle = () => {
        timer.clear();
        resolve();
      };
    });
  }
}
