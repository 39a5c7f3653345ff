import { types } from 'node:util';
import { LockError, LockStoreError } from '../lock.errors.js';
import type {
  AcquireReply,
  AcquireRequest,
  LeaseRecord,
  LockStore,
  ReleaseOutcome,
  ReleaseRequest,
  RenewReply,
  RenewRequest,
} from '../stores/lock-store.interface.js';
import type { Clock } from './clock.js';

/**
 * A store whose every answer comes within a time limit: a reply, or a `LockStoreError`.
 *
 * Clients have retry settings of their own, under which a command may stay queued for a minute;
 * a caller is told at the limit, whatever they are.
 */
export class BoundedStore {
  constructor(
    private readonly store: LockStore,
    private readonly clock: Clock,
    readonly timeoutMs: number,
  ) {}

  acquire(request: AcquireRequest): Promise<AcquireReply> {
    return this.limit(() => this.store.acquire(request), `acquire "${request.name}"`);
  }

  renew(requests: readonly RenewRequest[]): Promise<readonly RenewReply[]> {
    return this.limit(() => this.store.renew(requests), `renew ${requests.length} lock(s)`);
  }

  renewalGroupOf(name: string): string {
    return this.store.renewalGroupOf?.(name) ?? '';
  }

  release(request: ReleaseRequest): Promise<ReleaseOutcome> {
    return this.limit(() => this.store.release(request), `release "${request.name}"`);
  }

  inspect(name: string): Promise<LeaseRecord | null> {
    return this.limit(() => this.store.inspect(name), `inspect "${name}"`);
  }

  forceRelease(name: string): Promise<LeaseRecord | null> {
    return this.limit(() => this.store.forceRelease(name), `release "${name}" by force`);
  }

  connect(timeoutMs: number): Promise<void> {
    return this.limit(() => this.store.connect(), 'be ready', timeoutMs);
  }

  close(): Promise<void> {
    return this.limit(() => this.store.close(), 'close');
  }

  private limit<T>(take: () => Promise<T>, task: string, timeoutMs = this.timeoutMs): Promise<T> {
    return new Promise((resolve, reject) => {
      const timer = this.clock.setTimer(() => {
        const cause = this.store.lastError;
        reject(this.failure(task, `no answer within ${timeoutMs} ms`, cause));
      }, timeoutMs);
      // A store that throws at once must reject, too.
      const reply = (async () => take())();
      reply.then(
        (value) => {
          timer.clear();
          resolve(value);
        },
        (error: unknown) => {
          timer.clear();
          reject(error instanceof LockError ? error : this.failure(task, 'it failed', error));
        },
      );
    });
  }

  private failure(task: string, what: string, cause: unknown): LockStoreError {
    // Not instanceof: under jest, errors of Node itself come from another realm.
    const reason = types.isNativeError(cause) ? `: ${cause.message}` : '';
    return new LockStoreError(
      `The lock store (${this.store.description}) could not ${task}: ${what}${reason}. ` +
        'Nothing is known about the lock; check that the store is up, can be reached and may be written to.',
      { cause },
    );
  }
}
