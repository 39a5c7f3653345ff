import { types } from 'node:util';
import { LockError, LockOptionsError, LockStoreError } from '../lock.errors.js';
import type {
  AcquireReply,
  AcquireRequest,
  DecidedReply,
  HandOverListener,
  LeaseRecord,
  LockStore,
  NameRecord,
  ReleaseOutcome,
  ReleaseRequest,
  RenewReply,
  RenewRequest,
  ReplicateReply,
  ReplicateRequest,
  StoreWatcher,
  Subject,
  TransferRequest,
  Waiter,
} from '../stores/lock-store.interface.js';
import type { OutcomeStore } from '../stores/outcome.interface.js';
import type { ReportStore } from '../stores/report.interface.js';
import type { Clock } from './clock.js';
import { lockChannels } from './lock-channels.js';
import { TimeLimit } from './time-limit.js';

/** Reports as they are read; what a process tells of itself is written beside, so that it is no failure of the store. */
export type ReportReader = Omit<ReportStore, 'write' | 'remove' | 'whenRead'>;

/**
 * A store whose every answer comes within a time limit: a reply, or a `LockStoreError`.
 *
 * Clients have retry settings of their own, under which a command may stay queued for a minute;
 * a caller is told at the limit, whatever they are.
 */
export class BoundedStore {
  /** As the store has them, each bounded likewise; `undefined` if it has none. */
  readonly outcomes: OutcomeStore | undefined;
  readonly reports: ReportReader | undefined;
  private readonly timeLimit: TimeLimit;

  constructor(
    private readonly store: LockStore,
    private readonly clock: Clock,
    readonly timeoutMs: number,
  ) {
    this.timeLimit = new TimeLimit(clock, timeoutMs);
    this.outcomes = store.outcomes && this.bound(store.outcomes);
    this.reports = store.reports && this.boundReports(store.reports);
  }

  acquire(request: AcquireRequest): Promise<AcquireReply> {
    return this.limit(
      () => this.store.acquire(request),
      () => `acquire "${request.name}"`,
    );
  }

  /** Rejects if none of them is decided. */
  renew(requests: readonly RenewRequest[]): Promise<readonly RenewReply[]> {
    return this.limit(
      async () => {
        const replies = await this.store.renew(requests);
        if (replies.every((reply) => reply === 'undecided')) throw this.undecided();
        return replies;
      },
      () => `renew ${requests.length} lock(s)`,
    );
  }

  async renewOne(request: RenewRequest): Promise<DecidedReply> {
    const [reply] = await this.renew([request]);
    return reply as DecidedReply;
  }

  private undecided(): Error {
    return this.store.lastError ?? new Error('too few nodes have answered');
  }

  /** @throws LockOptionsError if the store has no replicas to wait for */
  replicate(request: Omit<ReplicateRequest, 'timeoutMs'>): Promise<ReplicateReply> {
    const { name, ttlMs } = request;
    // The other commands of the connection wait behind it.
    const timeoutMs = Math.ceil(Math.min(this.timeoutMs, ttlMs) / 4);
    return this.limit(
      async () => {
        if (this.store.replicate) return this.store.replicate({ ...request, timeoutMs });
        throw new LockOptionsError(
          `"minReplicas" of "${name}": the lock store (${this.store.description}) has no replicas. Leave it out.`,
        );
      },
      () => `replicate "${name}"`,
    );
  }

  transfer(request: TransferRequest): Promise<DecidedReply> {
    return this.limit(
      async () => {
        const reply = await this.store.transfer(request);
        if (reply === 'undecided') throw this.undecided();
        return reply;
      },
      () => `attach "${request.name}"`,
    );
  }

  detached(owner: string): void {
    this.store.detached?.(owner);
  }

  renewalGroupOf(name: string): string {
    return this.store.renewalGroupOf?.(name) ?? '';
  }

  release(request: ReleaseRequest): Promise<ReleaseOutcome> {
    return this.limit(
      () => this.store.release(request),
      () => `release "${request.name}"`,
      { mayBeDone: true },
    );
  }

  inspect(subject: Subject): Promise<NameRecord> {
    return this.limit(
      () => this.store.inspect(subject),
      () => `inspect "${subject.name}"`,
    );
  }

  /** Nobody, where the store has no queue of its own. */
  queueOf(subject: Subject, limit: number): Promise<readonly Waiter[]> {
    return this.limit(
      async () => this.store.queueOf?.(subject, limit) ?? [],
      () => `tell who waits for "${subject.name}"`,
    );
  }

  forceRelease(subject: Subject, fencingToken?: number): Promise<readonly LeaseRecord[]> {
    return this.limit(
      () => this.store.forceRelease(subject, fencingToken),
      () => `release "${subject.name}" by force`,
    );
  }

  private bound(outcomes: OutcomeStore): OutcomeStore {
    const limit = <T>(task: string, take: () => Promise<T>) => this.limit(take, () => task);
    return {
      read: (name) => limit(`read the outcome of "${name}"`, () => outcomes.read(name)),
      resolve: (request) =>
        limit(`resolve the outcome of "${request.name}"`, () => outcomes.resolve(request)),
      clear: (name, job, state) =>
        limit(`forget the outcome of "${name}"`, () => outcomes.clear(name, job, state)),
      names: (job, which, cursor) =>
        limit(`list the outcomes of "${job}"`, () => outcomes.names(job, which, cursor)),
      count: (job) => limit(`count the outcomes of "${job}"`, () => outcomes.count(job)),
    };
  }

  private boundReports(reports: ReportStore): ReportReader {
    const limit = <T>(take: () => Promise<T>) => this.limit(take, () => 'tell what is held');
    return {
      tell: (events) =>
        this.limit(
          () => reports.tell(events),
          () => 'write an event',
        ),
      processes: () => limit(() => reports.processes()),
      names: (id, after, count) => limit(() => reports.names(id, after, count)),
      tokensOf: (subject, ids) => limit(() => reports.tokensOf(subject, ids)),
      events: (most) => limit(() => reports.events(most)),
      jobs: (most) => limit(() => reports.jobs(most)),
    };
  }

  tellsHandOvers(name: string): boolean {
    return this.store.tellsHandOvers?.(name) ?? false;
  }

  listen(listener: HandOverListener): void {
    this.store.listen?.(listener);
  }

  watch(watcher: StoreWatcher): void {
    this.store.watch?.(watcher);
  }

  /** How long a lease may last at most. */
  get maxTtlMs(): number {
    return this.store.maxTtlMs ?? Infinity;
  }

  connect(timeoutMs: number): Promise<void> {
    return this.limit(
      () => this.store.connect(),
      () => 'be ready',
      { limit: new TimeLimit(this.clock, timeoutMs) },
    );
  }

  close(): Promise<void> {
    return this.limit(
      () => this.store.close(),
      () => 'close',
    );
  }

  private limit<T>(
    take: () => Promise<T>,
    task: () => string,
    { limit = this.timeLimit, mayBeDone = false } = {},
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      const failure = (what: string, cause: unknown): LockStoreError =>
        this.failure(task(), what, { cause, mayBeDone });
      const timed = limit.start(() => {
        const error = failure(`no answer within ${limit.limitMs} ms`, this.store.lastError);
        this.tellError('timeout', error);
        reject(error);
      });
      const fail = (cause: unknown): void => {
        const isLate = timed.onLate === undefined;
        limit.done(timed);
        const error = cause instanceof LockError ? cause : failure('it failed', cause);
        if (!isLate && error instanceof LockStoreError) this.tellError('failed', error);
        reject(error);
      };
      try {
        take().then((value) => {
          limit.done(timed);
          resolve(value);
        }, fail);
      } catch (error) {
        fail(error); // a store that throws at once rejects, too
      }
    });
  }

  private tellError(reason: 'timeout' | 'failed', error: LockStoreError): void {
    const { nodeError } = lockChannels;
    if (!nodeError.hasSubscribers) return;
    nodeError.publish({ node: this.store.description, reason, error });
  }

  private failure(
    task: string,
    what: string,
    options: { cause: unknown; mayBeDone: boolean },
  ): LockStoreError {
    const { cause } = options;
    // Not instanceof: under jest, errors of Node itself come from another realm.
    const reason = types.isNativeError(cause) ? `: ${cause.message}` : '';
    return new LockStoreError(
      `The lock store (${this.store.description}) could not ${task}: ${what}${reason}. ` +
        'Nothing is known about the lock; check that the store is up, can be reached and may be written to.',
      options,
    );
  }
}
