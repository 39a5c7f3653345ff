import { types } from 'node:util';
import { LockError, LockOptionsError, LockStoreError } from '../lock.errors.js';
import type {
  AcquireReply,
  AcquireRequest,
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
  Subject,
  TransferRequest,
} from '../stores/lock-store.interface.js';
import type { OutcomeStore } from '../stores/outcome.interface.js';
import type { Clock } from './clock.js';
import { TimeLimit } from './time-limit.js';

/**
 * A store whose every answer comes within a time limit: a reply, or a `LockStoreError`.
 *
 * Clients have retry settings of their own, under which a command may stay queued for a minute;
 * a caller is told at the limit, whatever they are.
 */
export class BoundedStore {
  /** As the store has them, each bounded likewise; `undefined` if it has none. */
  readonly outcomes: OutcomeStore | undefined;
  private readonly timeLimit: TimeLimit;

  constructor(
    private readonly store: LockStore,
    private readonly clock: Clock,
    readonly timeoutMs: number,
  ) {
    this.timeLimit = new TimeLimit(clock, timeoutMs);
    this.outcomes = store.outcomes && this.bound(store.outcomes);
  }

  acquire(request: AcquireRequest): Promise<AcquireReply> {
    return this.limit(
      () => this.store.acquire(request),
      () => `acquire "${request.name}"`,
    );
  }

  renew(requests: readonly RenewRequest[]): Promise<readonly RenewReply[]> {
    return this.limit(
      () => this.store.renew(requests),
      () => `renew ${requests.length} lock(s)`,
    );
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

  transfer(request: TransferRequest): Promise<RenewReply> {
    return this.limit(
      () => this.store.transfer(request),
      () => `attach "${request.name}"`,
    );
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

  tellsHandOvers(name: string): boolean {
    return this.store.tellsHandOvers?.(name) ?? false;
  }

  listen(listener: HandOverListener): void {
    this.store.listen?.(listener);
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
      const timed = limit.start(() =>
        reject(failure(`no answer within ${limit.limitMs} ms`, this.store.lastError)),
      );
      const fail = (error: unknown): void => {
        limit.done(timed);
        reject(error instanceof LockError ? error : failure('it failed', error));
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
