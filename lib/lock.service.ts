import { inspect } from 'node:util';
import { Logger } from '@nestjs/common';
import { type Observable, Subject } from 'rxjs';
import {
  ACQUIRE_OPTIONS,
  type AcquireOptions,
  checkWork,
  refuseUnknownOptions,
  resolveAcquireOptions,
  type TryAcquireOptions,
} from './core/acquire-options.js';
import type { WithLockOptions } from './core/hold.js';
import { type HeldLock, LockClient } from './core/lock-client.js';
import { describeValue } from './core/describe-value.js';
import { LockOptionsError } from './lock.errors.js';
import { checkLockName } from './core/lock-name.js';
import type { LockEvent } from './core/lock-events.js';
import type { Lock } from './core/lock.js';
import type { Semaphore } from './core/semaphore.js';
import { fingerprintOf } from './jobs/fingerprint.js';
import type { JobTools } from './jobs/job-lock-manager.js';
import { jobOf, type OnceTerms, checkJobName, resolveTerms, TERMS } from './jobs/once-options.js';
import { type OnceResult, OnceRunner } from './jobs/once-runner.js';
import { Outcomes } from './jobs/outcomes.js';
import { LockEventLogger } from './lock-event-logger.js';
import type { ResolvedLockModuleOptions } from './lock-module-options.js';
import type { CheckOptions, CheckReport } from './monitoring/checks/check.interface.js';
import { checkStore, resolveCheckOptions } from './monitoring/checks/check-store.js';
import { NewHolderLog } from './loss-log.js';
import { LockOverview } from './monitoring/overview/lock-overview.js';
import { Reporter } from './monitoring/reporting/reporter.js';
import type { LeaseRecord, LockStore, NodeStatus } from './stores/lock-store.interface.js';

/**
 * How something is done once.
 *
 * @example
 * const options: OnceOptions<Receipt> = { retention: '90d', storeResult: true, onUnknown: 'hold' };
 */
export interface OnceOptions<T> extends OnceTerms, Omit<WithLockOptions<T>, 'mode' | 'reentrant'> {
  /** By what it is listed. Default: what stands before the first colon of the name. */
  readonly job?: string;
  /** What it is done with: any value with JSON. The same name with another one is an error. */
  readonly fingerprint?: unknown;
}

const ONCE_OPTIONS = new Set([
  ...[...ACQUIRE_OPTIONS].filter((key) => key !== 'mode' && key !== 'reentrant'),
  ...TERMS,
  'job',
  'fingerprint',
  'compensate',
  'retry',
]);

const MODE = new Set(['mode']);

/**
 * Takes and gives back locks; `LockModule` provides it.
 *
 * @example
 * constructor(private readonly locks: LockService) {}
 *
 * async transfer(id: string) {
 *   return this.locks.withLock(`account:${id}`, async (lock) => { … });
 * }
 */
export class LockService {
  /**
   * All that happens to this service's locks, in order: each `acquired` is followed by exactly one
   * `released`, `lost` or `release-failed`. Completes at shutdown.
   *
   * @example
   * locks.events$.pipe(filter((event) => event.type === 'lost')).subscribe(alertSomebody);
   */
  readonly events$: Observable<LockEvent>;

  /** What has become of all that is done once, on this service's store. */
  readonly outcomes: Outcomes;

  /** What all processes hold, wait for and did, as far as they have told this service's store. */
  readonly overview: LockOverview;

  /** @internal */
  readonly jobs: JobTools;

  private readonly logger = new Logger(LockService.name);
  private readonly eventLogger = new LockEventLogger(this.logger, () => this.store.lastError);
  private readonly newHolders: NewHolderLog;
  private readonly toldNotices = new Set<string>();
  private readonly events = new Subject<LockEvent>();
  private readonly store: LockStore;
  private readonly client: LockClient;
  private readonly reporter: Reporter | undefined;

  /** @internal */
  constructor(private readonly options: ResolvedLockModuleOptions) {
    this.events$ = this.events.asObservable();
    this.store = options.store;
    const emit = (event: LockEvent): void => this.emit(event);
    const metJob = (job: string): void => this.reporter?.metJob(job);
    const client = new LockClient({ ...options, emit, metJob });
    this.client = client;
    this.newHolders = new NewHolderLog(this.logger, client);
    this.reporter = this.makeReporter();
    this.outcomes = new Outcomes(client);
    this.overview = new LockOverview(client, this.outcomes);
    this.jobs = { client, once: new OnceRunner(client, emit), outcomes: this.outcomes };
  }

  /** @internal */
  emit(event: LockEvent): void {
    this.reporter?.note(event);
    const isOrdinary = event.type === 'acquired' || event.type === 'released';
    if (isOrdinary && !this.events.observed) return;
    this.eventLogger.log(event);
    if (event.type === 'lost') this.newHolders.tell(event);
    if (event.type === 'node') this.tellNotices();
    this.events.next(event);
  }

  /**
   * Takes a lock, waiting while somebody else holds the name: at most `wait`, plus `storeTimeout`
   * for the last answer.
   *
   * @param name what is locked, compared exactly; up to 4 KiB of UTF-8
   * @throws LockTimeoutError (a `LockBusyError`) when the wait has ended; LockBusyError if `wait` is 0
   * @throws LockAbortedError if `signal` aborts first
   * @throws LockStoreError if the store does not answer
   * @throws LockDrainingError at shutdown
   * @throws LockKeyError, LockOptionsError if the name or an option is none
   * @example
   * await using lock = await locks.acquire('invoice:42', { wait: '10s' });
   */
  acquire(name: string | readonly string[], options?: AcquireOptions): Promise<Lock> {
    return this.client.acquire(name, options);
  }

  /**
   * Takes a lock if nobody holds the name, and never waits.
   *
   * @returns the lock, or `null` if the name is busy or waited for
   * @throws as `acquire` does, but for being busy
   * @example
   * const lock = await locks.tryAcquire('nightly-report');
   * if (!lock) return;
   */
  tryAcquire(name: string | readonly string[], options?: TryAcquireOptions): Promise<Lock | null> {
    return this.client.tryAcquire(name, options);
  }

  /**
   * Does the work while it holds the lock, and gives the lock back however the work ends.
   *
   * @returns what `work` returns, or what `compensate` returns if the lock was lost
   * @throws the work's own error, as it is
   * @throws LockLostError with the work's `result`, if it returned although the lock was lost
   * @throws as `acquire` does
   * @example
   * await locks.withLock('account:7', async (lock) => {
   *   await ledger.book(entry, lock.fencingToken);
   * });
   */
  withLock<T>(
    name: string | readonly string[],
    work: (lock: Lock) => T | PromiseLike<T>,
    options?: WithLockOptions<T>,
  ): Promise<T> {
    return this.client.withLock(name, work, options);
  }

  /**
   * Does something once: not again until `retention` has passed. A throw leaves it open.
   *
   * Whoever comes meanwhile waits as for a lock, and is then told that it is done. Should a process
   * die in the middle, its outcome is unknown, and `onUnknown` decides.
   *
   * @returns whether it was done now, and the result: `undefined` where it is replayed and not stored
   * @throws OutcomeUnknownError if an earlier try's outcome is unknown, and held back
   * @throws FingerprintError if it was done with other values than `fingerprint`
   * @throws ResultNotStoredError if its result is too large or no JSON; it is marked all the same
   * @throws as `withLock` does
   * @example
   * const { status, result } = await locks.once('invoice:42', () => authority.submit(invoice), {
   *   retention: '90d',
   *   storeResult: true,
   *   onUnknown: 'hold',
   * });
   */
  async once<T>(
    name: string,
    work: (lock: Lock) => T | PromiseLike<T>,
    options: OnceOptions<T> = {},
  ): Promise<OnceResult<T>> {
    checkLockName(name);
    const what = `once("${name}")`;
    checkWork(work, what);
    refuseUnknownOptions(options, ONCE_OPTIONS, what);
    const { retention, storeResult, onUnknown, unknownIf, ...others } = options;
    const { job = jobOf(name), fingerprint, ...given } = others;
    const { compensate: _compensate, retry: _retry, ...acquireOptions } = given;
    resolveAcquireOptions(acquireOptions, { ttlMs: 0, waitMs: 0 }, () => what);
    checkJobName(job, `${what}: "job"`);
    const terms = resolveTerms({ retention, storeResult, onUnknown, unknownIf } as OnceTerms, what);
    const print = 'fingerprint' in options ? fingerprintOf(fingerprint, what) : undefined;
    return this.jobs.once.run<T>({ ...terms, name, job, fingerprint: print }, work, given);
  }

  /**
   * Goes on with a lock that `lock.detach()` has turned into a text, in this process or another.
   *
   * @returns the lock, with the same fencing token and a whole ttl
   * @throws LockLostError if it is not there any more: expired, taken over, or attached already
   * @throws LockOptionsError if the text is not one of `detach()`
   * @throws LockStoreError if the store does not answer; the lock is then released in the background
   * @example
   * await using lock = await locks.attach(job.data.lock);
   */
  attach(text: string): Promise<Lock> {
    return this.client.attach(text);
  }

  /**
   * A semaphore: so many may do something at a time, over all processes.
   *
   * @param name compared exactly; has nothing to do with locks of the same name
   * @param permits how many; the last declared number counts for everybody
   * @throws LockKeyError, LockOptionsError if the name or the number is none
   * @example
   * await locks.semaphore('tax-authority', 4).withPermit(() => submit(invoice));
   */
  semaphore(name: string, permits: number): Semaphore {
    return this.client.semaphore(name, permits);
  }

  /**
   * Tells who holds a name: service, host, pid, since when, for how long yet, and the token.
   *
   * @returns `null` if nobody does
   * @throws LockStoreError if the store cannot be asked
   * @example
   * const lease = await locks.inspect('invoice:42');
   * lease?.holder.service;
   */
  async inspect(name: string): Promise<LeaseRecord | null> {
    const { holders } = await this.client.inspect({ name: checkLockName(name), kind: 'lock' });
    return holders[0] ?? null;
  }

  /**
   * Takes a name from whoever holds it. The holder's signal aborts with reason `forced`, at the
   * latest with its next renewal; until then it may still be at work.
   *
   * @returns who held it, or `null`
   * @throws LockStoreError if the store cannot be asked
   * @example
   * const holder = await locks.forceRelease('invoice:42');
   */
  async forceRelease(name: string): Promise<LeaseRecord | null> {
    const holders = await this.client.forceRelease({ name: checkLockName(name), kind: 'lock' });
    return holders[0] ?? null;
  }

  /**
   * The locks that this service holds at the moment.
   *
   * @example
   * locks.held().map(({ name, heldMs }) => `${name}: ${heldMs} ms`);
   */
  held(): HeldLock[] {
    return this.client.held();
  }

  /**
   * The lock under which the present async context runs: of a decorated method, or of `withLock`.
   *
   * @param name of which lock, where several are nested; the innermost if it is left out
   * @param options with `mode: 'exclusive'`, permits and shared locks do not count
   * @example
   * const { signal, fencingToken } = this.locks.current()!;
   */
  current(name?: string, options: { mode?: 'exclusive' } = {}): Lock | undefined {
    refuseUnknownOptions(options, MODE, 'current()');
    if (options.mode !== undefined && options.mode !== 'exclusive') {
      throw new LockOptionsError(
        `current(): "mode" is ${describeValue(options.mode)}; write 'exclusive', or leave it out for any lock.`,
      );
    }
    return this.client.context.current(name, options.mode === 'exclusive');
  }

  /**
   * Demands that the present async context runs under a lock of that name, and gives it: for what must
   * never be called without. Where the lock can be passed, ask for a `Lock` parameter instead.
   *
   * @param options with `mode: 'shared'`, a shared lock will do
   * @throws LockNotHeldError if it runs under none
   * @throws LockLostError if it is lost
   * @throws LockKeyError, LockOptionsError if the name or the mode is none
   * @example
   * async book(entry: Entry) {
   *   const { fencingToken } = this.locks.assertHeld(`account:${entry.account}`);
   * }
   */
  assertHeld(name: string, options: Pick<AcquireOptions, 'mode'> = {}): Lock {
    checkLockName(name);
    const what = `assertHeld("${name}")`;
    refuseUnknownOptions(options, MODE, what);
    const { isShared } = resolveAcquireOptions(options, { ttlMs: 0, waitMs: 0 }, () => what);
    return this.client.context.assertHeld(name, isShared);
  }

  /**
   * The nodes of a quorum, as this process sees them at the moment; none where there is one Redis only.
   *
   * @example
   * const down = locks.nodes().filter(({ state }) => state !== 'voting');
   */
  nodes(): readonly NodeStatus[] {
    return this.store.nodes?.() ?? [];
  }

  /**
   * Asks every server that locks stand on whether it can be written to, and how fast, and looks for what should be
   * changed there. What is the matter is in the report, not thrown.
   *
   * @throws LockOptionsError if an option is none
   * @example
   * const { status, findings } = await locks.check();
   * if (status !== 'ok') logger.warn(findings.filter(({ severity }) => severity !== 'ok'));
   */
  async check(options: CheckOptions = {}): Promise<CheckReport> {
    return checkStore(this.store, resolveCheckOptions(options, 'check()'));
  }

  /** What logs show: not the options of the client, with its password. */
  toJSON(): { store: string; held: HeldLock[] } {
    return { store: this.store.description, held: this.held() };
  }

  /** @internal */
  [inspect.custom](): string {
    return `LockService ${inspect(this.toJSON())}`;
  }

  private makeReporter(): Reporter | undefined {
    const { client, logger } = this;
    const { reports: store, description } = this.store;
    const { reportPeriodMs: periodMs } = this.options;
    if (!store || periodMs === null) return undefined;
    return new Reporter({ store, client, logger, description, periodMs });
  }

  /** What the store has learnt of its servers; it may meet some of them late. */
  private tellNotices(): void {
    for (const notice of this.store.notices) {
      if (this.toldNotices.has(notice)) continue;
      this.toldNotices.add(notice);
      this.logger.warn(notice);
    }
  }

  /** @internal */
  async onModuleInit(): Promise<void> {
    this.tellNotices();
    try {
      await this.client.connect(this.options.connectTimeoutMs);
      this.tellNotices();
    } catch (error) {
      // Nest does not call the shutdown hooks of an application that did not start.
      await this.client.close().catch(() => undefined);
      throw error;
    }
    this.reporter?.start();
  }

  /** @internal Early, so that handlers end while what they use is still there. */
  async onModuleDestroy(): Promise<void> {
    await this.client.drain(this.options.drainTimeoutMs);
  }

  /** @internal */
  async onApplicationShutdown(): Promise<void> {
    await this.reporter?.close();
    try {
      await this.client.close();
    } catch (error) {
      this.logger.warn(`${error instanceof Error ? error.message : String(error)}`);
    }
    this.events.complete();
  }
}
