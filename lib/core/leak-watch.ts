import type { Lock } from './lock.js';
import type { Holding, Tenure, WatchedHandle } from './tenure.js';

/**
 * Notices handles that are garbage-collected unreleased: nobody could ever release them.
 *
 * It looks with each renewal, since the collector's own notice (`FinalizationRegistry`) costs more
 * than all the rest of a lock. Until the first renewal the handle is kept alive.
 */
export class LeakWatch {
  constructor(
    private readonly withStacks: boolean,
    private readonly onLeak: (tenure: Tenure, stack: string | undefined) => void,
  ) {}

  /** Of several names each is watched: one may be lost, and the others go on. */
  watch(lock: Lock, { tenures }: Holding): void {
    const stack = this.withStacks ? new Error('taken here').stack : undefined;
    for (const tenure of tenures) tenure.watched = { handle: lock, stack, next: tenure.watched };
  }

  /** The handle is released; others may go on with its tenures. */
  unwatch(lock: Lock, { tenures }: Holding): void {
    for (const tenure of tenures) this.keep(tenure, (handle) => handle !== lock);
  }

  /** To be called with each renewal. */
  check(tenure: Tenure): void {
    if (!tenure.watched) return;
    const leaked: WatchedHandle[] = [];
    this.keep(tenure, (handle, watched) => {
      if (!handle) leaked.push(watched);
      else if (!(watched.handle instanceof WeakRef)) watched.handle = new WeakRef(handle);
      return handle !== undefined;
    });
    for (const { stack } of leaked) this.onLeak(tenure, stack);
  }

  private keep(
    tenure: Tenure,
    isKept: (handle: object | undefined, watched: WatchedHandle) => boolean,
  ): void {
    let watched = tenure.watched;
    tenure.watched = undefined;
    while (watched) {
      const { handle, next } = watched;
      if (isKept(handle instanceof WeakRef ? handle.deref() : handle, watched)) {
        watched.next = tenure.watched;
        tenure.watched = watched;
      }
      watched = next;
    }
  }
}
