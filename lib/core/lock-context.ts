import { AsyncLocalStorage } from 'node:async_hooks';
import type { Lock } from './lock.js';

interface Held {
  readonly lock: Lock;
  readonly outer: Held | undefined;
  /** Not told by the lock itself: one that was lost need not be released. */
  ended: boolean;
}

/** The locks that the present async context runs under, innermost first. */
export class LockContext {
  private readonly storage = new AsyncLocalStorage<Held>();

  async run<T>(lock: Lock, work: () => T | PromiseLike<T>): Promise<T> {
    const held: Held = { lock, outer: this.storage.getStore(), ended: false };
    try {
      return await this.storage.run(held, work);
    } finally {
      held.ended = true;
    }
  }

  /** The innermost lock, or the innermost of that name; a context that outlives its lock holds nothing. */
  current(name?: string): Lock | undefined {
    for (let held = this.storage.getStore(); held; held = held.outer) {
      const { lock, ended } = held;
      if (!ended && !lock.isReleased && (name === undefined || lock.name === name)) return lock;
    }
    return undefined;
  }
}
