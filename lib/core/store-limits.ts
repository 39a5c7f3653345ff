import type { LockStore } from '../stores/lock-store.interface.js';
import type { ResolvedAcquireOptions } from './acquire-options.js';

/** Of the options of a call, those that not every store can keep. */
export type LimitedOptions = Pick<
  ResolvedAcquireOptions,
  'ttlMs' | 'minHoldMs' | 'isShared' | 'minReplicas'
>;

/** What a store cannot do, and why: so that it is refused before the store is asked, if possible at start. */
export class StoreLimits {
  constructor(private readonly store: LockStore) {}

  /** Why there are no semaphores, if there are none. */
  get semaphores(): string | undefined {
    return this.store.refusals?.semaphores;
  }

  /** Why nothing can be done once, if so. */
  get once(): string | undefined {
    const { outcomes, description } = this.store;
    if (outcomes) return undefined;
    return (
      `"once" needs a store that keeps outcomes, and the lock store (${description}) keeps none. ` +
      'Use a LockModule of one Redis for it (name: …), or give a store of your own "outcomes".'
    );
  }

  /** What is in the way of a lock with these options. */
  against(options: LimitedOptions): string | undefined {
    const { refusals } = this.store;
    if (options.isShared && refusals?.sharedLocks) return refusals.sharedLocks;
    if (options.minReplicas > 0 && this.isOverNodes) {
      return (
        '"minReplicas" is for replicas of one Redis; over several nodes most of them have a lock before it is given. ' +
        'Leave it out.'
      );
    }
    return this.againstLength(options.ttlMs, '"ttl"') ?? this.againstMinHold(options.minHoldMs);
  }

  /** What is in the way of a lease that lasts so long without renewal; `called` is what makes it so long. */
  againstLength(ms: number, called: string): string | undefined {
    const { maxTtlMs = Infinity, description } = this.store;
    if (ms <= maxTtlMs) return undefined;
    if (this.isOverNodes) {
      return (
        `${called} (${ms} ms) is above "maxTtl" (${maxTtlMs} ms), the longest that a lease lasts without renewal. ` +
        'Set the LockModule option "maxTtl" to the longest ttl in use, the same in every service.'
      );
    }
    return (
      `${called} (${ms} ms) is above ${maxTtlMs} ms, the longest that the lock store (${description}) keeps a lease ` +
      'without renewal. Write a shorter one.'
    );
  }

  private get isOverNodes(): boolean {
    return this.store.nodes !== undefined;
  }

  /** So long the lease is kept after its release. */
  private againstMinHold(ms: number): string | undefined {
    return ms > 0 ? this.againstLength(ms, '"minHold"') : undefined;
  }
}
