import { AsyncLocalStorage } from 'node:async_hooks';
import type { Lock } from './lock.js';

interface Held {
  readonly lock: Lock;
  readonly outer: Held | undefined;
}

/** The locks that the present async context runs under, innermost first. */
export class LockContext {
  private readonly storage = new AsyncLocalStorage<Held>();

  run<T>(lock: Lock, work: () => T): T {
    return this.storage.run({ lock, outer: this.storage.getStore() }, work);
  }

  /** The innermost lock, or the innermost of that name; a context that outlives its lock holds nothing. */
  current(name?: string): Lock | undefined {
    for (let held = this.storage.getStore(); held; held = held.outer) {
      if (!held.lock.isReleased && (name === undefined || held.lock.name === name)) {
        return held.lock;
      }
    }
    return undefined;
  }
}
