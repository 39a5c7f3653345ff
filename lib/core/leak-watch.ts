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
    private readonly onLeak: (holding: Holding, stack: string | undefined) => void,
  ) {}

  watch(lock: Lock, holding: Holding): void {
    const stack = this.withStacks ? new Error('taken here').stack : undefined;
    const tenure = holding.tenures[0]!;
    tenure.watched = { handle: lock, holding, stack, next: tenure.watched };
  }

  /** The handle is released, or shall be left alone; others may go on with its tenure. */
  unwatch(lock: Lock, holding: Holding): void {
    this.keep(holding.tenures[0]!, (handle) => handle !== lock);
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
    for (const { holding, stack } of leaked) this.onLeak(holding, stack);
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
