import type { Clock, Timer } from '../core/clock.js';
import { type Duration, parseDuration } from '../core/duration.js';

interface Scheduled {
  readonly at: number;
  readonly callback: () => void;
}

/** Taken before a test can put fake timers in its place. */
const nextTurn = setImmediate;

/**
 * A clock that stands still until it is told to go on.
 *
 * @example
 * const store = new TestLockStore();
 * await store.clock.advance('31s');
 */
export class ManualClock implements Clock {
  private time = 0;
  private readonly scheduled = new Set<Scheduled>();

  now(): number {
    return this.time;
  }

  setTimer(callback: () => void, delayMs: number): Timer {
    const timer = { at: this.time + Math.max(0, delayMs), callback };
    this.scheduled.add(timer);
    return { clear: () => this.scheduled.delete(timer) };
  }

  /**
   * Lets the time pass: every timer that is due fires at its own moment, in order, and what it
   * starts has settled before the next one fires.
   *
   * @param duration milliseconds, or a text such as `'31s'`
   * @throws LockOptionsError if it is no duration
   * @example
   * await clock.advance('5 minutes');
   */
  async advance(duration: Duration): Promise<void> {
    const bounds = { min: 0, max: Number.MAX_SAFE_INTEGER };
    const target = this.time + parseDuration(duration, 'advance: the duration', bounds);
    await settled();
    for (let due = this.nextUntil(target); due; due = this.nextUntil(target)) {
      this.scheduled.delete(due);
      this.time = Math.max(this.time, due.at);
      due.callback();
      await settled();
    }
    this.time = Math.max(this.time, target); // what ran meanwhile may have moved it, too
  }

  /**
   * Lets the time jump while the process stands still, as SIGSTOP or a blocked event loop do: no
   * timer fires until the next `advance`.
   *
   * @example
   * clock.freeze('1 minute');
   * expect(lock.isHeld).toBe(false);
   */
  freeze(duration: Duration): void {
    const bounds = { min: 0, max: Number.MAX_SAFE_INTEGER };
    this.time += parseDuration(duration, 'freeze: the duration', bounds);
  }

  private nextUntil(target: number): Scheduled | undefined {
    let next: Scheduled | undefined;
    for (const timer of this.scheduled) {
      if (timer.at <= target && (!next || timer.at < next.at)) next = timer;
    }
    return next;
  }
}

function settled(): Promise<void> {
  return new Promise((resolve) => nextTurn(resolve));
}
