import {
  LockBusyError,
  LockLostError,
  LockOptionsError,
  LockReentryError,
  LockStoreError,
} from '../lock.errors.js';
import type {
  Holder,
  LeaseRecord,
  LockStore,
  NameRecord,
  NodeStatus,
  ReleaseOutcome,
  Subject,
  Waiter,
} from '../stores/lock-store.interface.js';
import type { OnceRequest, Outcome, OutcomeStore } from '../stores/outcome.interface.js';
import {
  type AcquireDefaults,
  type AcquireOptions,
  checkWork,
  NO_OPTIONS,
  refuseNoObject,
  TTL_BOUNDS,
  type TryAcquireOptions,
} from './acquire-options.js';
import type { Want } from './acquisition.js';
import { BoundedStore, type ReportReader } from './bounded-store.js';
import { type Clock, systemClock } from './clock.js';
import { describeValue } from './describe-value.js';
import { pack, unpack } from './detached-lock.js';
import { type Duration, parseDuration } from './duration.js';
import type { WithLockOptions } from './hold.js';
import { LeakWatch } from './leak-watch.js';
import { LeaseBook } from './lease-book.js';
import { LeaseCleaner } from './lease-cleaner.js';
import { lockChannels } from './lock-channels.js';
import { LockContext } from './lock-context.js';
import type { LockEventSink } from './lock-events.js';
import { checkLockName } from './lock-name.js';
import { Lock, type LockOperations } from './lock.js';
import { refusalOf } from './refusal.js';
import { Semaphore, type SemaphoreOperations } from './semaphore.js';
import { StoreLimits } from './store-limits.js';
import { Taker } from './taker.js';
import { type Holding, Tenure } from './tenure.js';
import type { WaitTally } from './wait-tally.js';
import { Works } from './works.js';

export interface LockClientOptions extends AcquireDefaults {
  readonly store: LockStore;
  readonly holder: Holder;
  readonly storeTimeoutMs: number;
  readonly leakStacks: boolean;
  readonly emit: LockEventSink;
  /** Something of this job is to be done once. */
  readonly metJob?: (job: string) => void;
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
export class LockClient implements LockOperations, SemaphoreOperations {
  readonly context = new LockContext();
  readonly works: Works;
  /** For whoever knows beforehand what will be asked of the store. */
  readonly limits: StoreLimits;

  readonly clock: Clock;
  private readonly store: BoundedStore;
  private readonly cleaner: LeaseCleaner;
  private readonly leases: LeaseBook;
  private readonly taker: Taker;
  private readonly leaks: LeakWatch;
  private whenIdle: (() => void) | undefined;

  constructor(private readonly options: LockClientOptions) {
    const { emit, store: given, storeTimeoutMs } = options;
    const clock = given.clock ?? systemClock;
    const store = new BoundedStore(given, clock, storeTimeoutMs);
    const cleaner = new LeaseCleaner(store, clock);
    const { context } = this;
    const leases = new LeaseBook({
      store,
      clock,
      cleaner,
      emit,
      service: options.holder.service,
      passOn: (lease) => this.taker.passOn(lease),
      freed: (name) => this.taker.freed(name),
      renewing: (tenure) => this.leaks.check(tenure),
      ended: () => this.checkIdle(),
    });
    const giveBack = (tenure: Tenure): void => this.giveBack(tenure);
    const checkIdle = (): void => this.checkIdle();
    const tools = { store, clock, cleaner, leases, context, giveBack, checkIdle };
    this.limits = new StoreLimits(given);
    this.taker = new Taker(tools, { ...options, limits: this.limits });
    this.leaks = new LeakWatch(options.leakStacks, (tenure, stack) => this.reclaim(tenure, stack));
    const lockOf = (holding: Holding): Lock => new Lock(holding, this);
    store.watch({
      onDoubt: () => leases.confirmAll(),
      onNode: (status) => {
        tellNodeError(status);
        emit({ type: 'node', ...status });
      },
    });
    this.works = new Works({ clock, context, emit, lockOf, checkIdle });
    this.clock = clock;
    this.store = store;
    this.cleaner = cleaner;
    this.leases = leases;
  }

  connect(timeoutMs: number): Promise<void> {
    return this.store.connect(timeoutMs);
  }

  async acquire(names: string | readonly string[], options = NO_OPTIONS): Promise<Lock> {
    return this.handle(await this.taker.take(names, options), options);
  }

  async acquireWanted(want: Want, options: AcquireOptions): Promise<Lock> {
    return this.handle(await this.taker.takeWanted(want, options), options);
  }

  semaphore(name: string, permits: number): Semaphore {
    const semaphore = new Semaphore(checkLockName(name), permits, this);
    refuseIf(this.limits.semaphores, `semaphore "${name}"`);
    return semaphore;
  }

  /** Goes on with a lock that was detached elsewhere, as its only owner. */
  async attach(text: string): Promise<Lock> {
    return this.handle(await this.taker.attach(unpack(text)), {});
  }

  detach(holding: Holding): string {
    holding.assertHeld();
    if (holding.isOnce) {
      throw new LockOptionsError(
        `The lock "${holding.name}" cannot be detached: it is held to do something once, and only who has begun can tell the end.`,
      );
    }
    if (holding.tenures.some((tenure) => tenure.locks > 1)) {
      throw new LockReentryError(
        `The lock "${holding.name}" cannot be detached: others of the same async context hold it, too.`,
        holding.name,
      );
    }
    const text = pack(holding.tenures);
    for (const tenure of holding.tenures) this.leases.detach(tenure);
    return text;
  }

  private handle(holding: Holding, options: AcquireOptions): Lock {
    const lock = new Lock(holding, this);
    // Without renewal it ends by itself, and may be left to that.
    if (options.renew !== false) this.leaks.watch(lock, holding);
    return lock;
  }

  async tryAcquire(
    names: string | readonly string[],
    options: TryAcquireOptions = {},
  ): Promise<Lock | null> {
    refuseNoObject(options, 'tryAcquire()');
    if ('wait' in options && options.wait !== undefined) {
      throw new LockOptionsError('tryAcquire never waits: leave "wait" out, or use acquire.');
    }
    try {
      return await this.acquire(names, { ...options, wait: 0 });
    } catch (error) {
      if (error instanceof LockBusyError) return null;
      throw error;
    }
  }

  async withLock<T>(
    names: string | readonly string[],
    work: (lock: Lock) => T | PromiseLike<T>,
    options?: WithLockOptions<T>,
  ): Promise<T> {
    checkWork(work, 'withLock()');
    const take = (given: AcquireOptions): Promise<Holding> => this.taker.take(names, given);
    if (options === undefined) return this.works.do(await take(NO_OPTIONS), work);
    refuseNoObject(options, 'withLock()');
    return this.works.repeat(`lock ${describeValue(names)}`, take, work, options);
  }

  async withWanted<T>(
    want: Want,
    work: (lock: Lock) => T | PromiseLike<T>,
    options: WithLockOptions<T>,
  ): Promise<T> {
    checkWork(work, 'withPermit()');
    return this.works.repeat(
      `semaphore "${want.name}"`,
      (given) => this.taker.takeWanted(want, given),
      work,
      options,
    );
  }

  /** Takes a name in order to do its element once; `tenure.lease.unknown` is what somebody left behind. */
  takeOnce(name: string, once: OnceRequest, options: AcquireOptions): Promise<Tenure> {
    this.options.metJob?.(once.job);
    return this.taker.takeOnce(name, once, options);
  }

  /** The handle of a tenure that was taken to do something once. */
  lockFor(tenure: Tenure): Lock {
    return new Lock(tenure, this);
  }

  /** Begins an element anew under a lock that was taken to ask about it first. */
  async beginAnew(tenure: Tenure, once: OnceRequest): Promise<void> {
    tenure.assertHeld();
    const { name, kind, units, owner, fencingToken } = tenure.lease;
    const { ttlMs } = tenure.lease.renewal(this.clock.now());
    const { holder } = this.options;
    const lease = { name, kind, units, permits: 0, owner, ttlMs, tokens: 1, holder } as const;
    try {
      const anew = { ...once, onUnknown: 'retry' } as const;
      const reply = await this.store.acquire({ ...lease, once: anew });
      if (reply.status !== 'granted' && reply.status !== 'busy') throw refusalOf(reply);
      if (reply.status === 'busy' || reply.fencingToken !== fencingToken) {
        tenure.lease.lose('taken-over');
      }
      tenure.assertHeld(); // the answer may have come late
    } catch (error) {
      if (error instanceof LockStoreError || error instanceof LockLostError) {
        // It may have been begun all the same, and with another token.
        const outcome = { kind: 'unbegun', job: once.job } as const;
        this.cleaner.clean({ name, kind, owner, outcome }, ttlMs);
        this.giveBack(tenure);
      } else {
        this.leases.end(tenure); // the store has given it back with its refusal
      }
      throw error;
    }
  }

  /** Outcomes of what is done once, as far as the store keeps them. */
  get outcomes(): OutcomeStore | undefined {
    return this.store.outcomes;
  }

  /** What processes tell of themselves, as far as the store keeps it. */
  get reports(): ReportReader | undefined {
    return this.store.reports;
  }

  get holder(): Holder {
    return this.options.holder;
  }

  /** How many of its callers wait, and how long those took that do not any more. */
  get waits(): WaitTally {
    return this.taker.tally;
  }

  /** What it holds, for somebody who counts. */
  get tenures(): Iterable<Tenure> {
    return this.leases;
  }

  inspect(subject: Subject): Promise<NameRecord> {
    return this.store.inspect(subject);
  }

  queueOf(subject: Subject, limit: number): Promise<readonly Waiter[]> {
    return this.store.queueOf(subject, limit);
  }

  async forceRelease(subject: Subject, fencingToken?: number): Promise<readonly LeaseRecord[]> {
    const holders = await this.store.forceRelease(subject, fencingToken);
    const { name, kind } = subject;
    for (const holder of holders) {
      this.options.emit({ type: 'forced', name, holder });
      for (const { lease } of this.leases) {
        const isTaken = lease.name === name && lease.fencingToken === holder.fencingToken;
        if (isTaken && lease.kind === kind) lease.lose('forced');
      }
    }
    return holders;
  }

  held(): HeldLock[] {
    return Array.from(this.leases)
      .filter((tenure) => tenure.isHeld)
      .map(({ name, fencingToken, heldMs, remainingMs }) => ({
        name,
        fencingToken,
        heldMs,
        remainingMs,
      }));
  }

  async extend(holding: Holding, ttl: Duration): Promise<void> {
    const what = `extend("${holding.name}")`;
    const ttlMs = parseDuration(ttl, `${what}: the ttl`, TTL_BOUNDS);
    refuseIf(this.limits.againstLength(ttlMs, 'the ttl'), what);
    holding.assertHeld();
    await Promise.all(holding.tenures.map((tenure) => this.leases.extend(tenure, ttlMs)));
    holding.assertHeld();
  }

  release(holding: Holding, by?: Lock, outcome?: Outcome): Promise<ReleaseOutcome> {
    if (by) this.leaks.unwatch(by, holding);
    if (holding instanceof Tenure) return this.releaseOne(holding, by, outcome);
    return this.releaseAll(holding, by);
  }

  private async releaseAll(holding: Holding, by?: Lock): Promise<ReleaseOutcome> {
    const outcomes = await Promise.all(
      holding.tenures.map((tenure) => this.releaseOne(tenure, by)),
    );
    return outcomes.find((outcome) => outcome !== 'released') ?? 'released';
  }

  /** Refuses new locks, rejects waiters, gives handlers `timeoutMs`, then takes their locks away. */
  async drain(timeoutMs: number): Promise<void> {
    this.taker.drain();
    this.works.drain();
    await this.untilIdle(timeoutMs);
    for (const { lease } of this.leases) lease.lose('shutdown');
    await this.cleaner.close();
  }

  close(): Promise<void> {
    return this.store.close();
  }

  private releaseOne(tenure: Tenure, by?: Lock, outcome?: Outcome): Promise<ReleaseOutcome> {
    // Whoever joined it may go on: the last one ends it. But what is done once is told when it is done.
    const isJoined = --tenure.locks > 0 && tenure.isHeld;
    if (isJoined && !outcome) return Promise.resolve('released');
    const releasing = this.leases.release(tenure, by, outcome);
    if (isJoined) tenure.abortJoiners();
    return releasing;
  }

  /** Gives back what nothing was done under; the outcome of an element stays as it was. */
  giveBack(tenure: Tenure): void {
    this.releaseOne(tenure).catch(() => undefined); // told as an event
  }

  private reclaim(tenure: Tenure, stack: string | undefined): void {
    if (!tenure.isHeld) return;
    const { name, fencingToken } = tenure;
    this.options.emit({ type: 'leaked', name, fencingToken, stack });
    this.giveBack(tenure);
  }

  private get isIdle(): boolean {
    return this.taker.size + this.leases.size + this.works.size === 0;
  }

  private checkIdle(): void {
    if (this.whenIdle && this.isIdle) this.whenIdle();
  }

  private untilIdle(timeoutMs: number): Promise<void> {
    if (this.isIdle) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = this.clock.setTimer(resolve, timeoutMs, true);
      this.whenIdle = () => {
        timer.clear();
        resolve();
      };
    });
  }
}

function tellNodeError({ node, state, error }: NodeStatus): void {
  const { nodeError } = lockChannels;
  if (!nodeError.hasSubscribers || state === 'voting' || state === 'blank') return;
  nodeError.publish({ node, reason: state, error });
}

function refuseIf(problem: string | undefined, what: string): void {
  if (problem !== undefined) throw new LockOptionsError(`${what}: ${problem}`);
}
