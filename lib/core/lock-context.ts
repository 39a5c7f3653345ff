import { AsyncLocalStorage } from 'node:async_hooks';
import { LockNotHeldError } from '../lock.errors.js';
import type { Lock } from './lock.js';
import { type Holding, modeOf, type Tenure } from './tenure.js';

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
  current(name?: string, isExclusive = false): Lock | undefined {
    for (let held = this.storage.getStore(); held; held = held.outer) {
      const { lock, holding, ended } = held;
      if (ended || lock.isReleased) continue;
      if (isExclusive && modeOf(holding) !== 'exclusive') continue;
      if (name === undefined || holding.tenures.some((tenure) => tenure.name === name)) return lock;
    }
    return undefined;
  }

  /**
   * The innermost lock of that name, which must be sure to be held.
   *
   * @throws LockNotHeldError if the present context runs under none, or under a shared one where that will not do
   * @throws LockLostError if it is lost
   */
  assertHeld(name: string, mayShare: boolean): Lock {
    let isShared = false;
    for (let held = this.storage.getStore(); held; held = held.outer) {
      const { lock, holding, ended } = held;
      if (ended || lock.isReleased) continue;
      const mode = modeOf(holding);
      if (mode === 'permit' || !holding.tenures.some((tenure) => tenure.name === name)) continue;
      if (mode === 'shared' && !mayShare) {
        isShared = true;
        continue;
      }
      lock.assertHeld();
      return lock;
    }
    if (!isShared) throw new LockNotHeldError(name);
    throw new LockNotHeldError(
      name,
      `The lock "${name}" is needed exclusively here, and is held as shared: others may hold it, too. ` +
        `Take it without mode: 'shared', or be content with that: assertHeld(name, { mode: 'shared' }).`,
    );
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
