import { AsyncLocalStorage } from 'node:async_hooks';
import type { Lock } from './lock.js';
import type { Holding, Tenure } from './tenure.js';

interface Held {
  readonly lock: Lock;
  readonly holding: Holding;
  readonly outer: Held | undefined;
  /** Not told by the lock itself: one that was lost need not be released. */
  ended: boolean;
}

/** The locks that the present async context runs under, innermost first. */
export class LockContext {
  private readonly storage = new AsyncLocalStorage<Held>();

  async run<T>(lock: Lock, holding: Holding, work: () => T | PromiseLike<T>): Promise<T> {
    const held: Held = { lock, holding, outer: this.storage.getStore(), ended: false };
    try {
      return await this.storage.run(held, work);
    } finally {
      held.ended = true;
    }
  }

  /** The innermost lock, or the innermost of that name; a context that outlives its lock holds nothing. */
  current(name?: string): Lock | undefined {
    for (let held = this.storage.getStore(); held; held = held.outer) {
      const { lock, holding, ended } = held;
      if (ended || lock.isReleased) continue;
      if (name === undefined || holding.tenures.some((tenure) => tenure.name === name)) return lock;
    }
    return undefined;
  }

  /** What the present context holds of a lock's name, so that whoever is nested in it can join. */
  tenureOf(name: string): Tenure | undefined {
    for (let held = this.storage.getStore(); held; held = held.outer) {
      if (held.ended) continue;
      for (const tenure of held.holding.tenures) {
        if (tenure.name === name && tenure.lease.kind === 'lock' && tenure.isHeld) return tenure;
      }
    }
    return undefined;
  }
}
