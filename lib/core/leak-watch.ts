import type { Lease } from './lease.js';
import type { Lock } from './lock.js';

interface Watched {
  readonly lease: Lease;
  readonly stack: string | undefined;
}

/** Notices handles that are garbage-collected unreleased: nobody could ever release them. */
export class LeakWatch {
  private readonly registry: FinalizationRegistry<Watched>;

  constructor(
    private readonly withStacks: boolean,
    onLeak: (lease: Lease, stack: string | undefined) => void,
  ) {
    this.registry = new FinalizationRegistry(({ lease, stack }) => onLeak(lease, stack));
  }

  watch(lock: Lock, lease: Lease): void {
    const stack = this.withStacks ? new Error('taken here').stack : undefined;
    this.registry.register(lock, { lease, stack }, lease);
  }

  unwatch(lease: Lease): void {
    this.registry.unregister(lease);
  }
}
