/**
 * A timer that was set and can be cleared; clearing twice does nothing.
 *
 * @example
 * const timer = clock.setTimer(giveUp, 1_000);
 * timer.clear();
 */
export interface Timer {
  /** It does not ring any more. */
  clear(): void;
}

/**
 * The time that leases are counted by: monotonic, in milliseconds from an arbitrary start.
 *
 * @example
 * const sentAt = systemClock.now();
 * const deadline = sentAt + ttlMs;
 */
export interface Clock {
  /** Milliseconds since an arbitrary start; never goes back, has fractions. */
  now(): number;
  /**
   * Calls back once, `delayMs` from now, however long that is.
   *
   * @param keepsAlive whether the process stays up for it: not by default
   */
  setTimer(callback: () => void, delayMs: number, keepsAlive?: boolean): Timer;
}

/** Clocks that run at the same rate differ by less than this over one ttl (Redlock's allowance). */
export const driftOf = (ttlMs: number): number => ttlMs * 0.01 + 2;

/** Until when, by this process's clock, a lease of `lengthMs` asked for at `start` is sure not to be over. */
export const safeEnd = (start: number, lengthMs: number): number =>
  lengthMs === Infinity ? Infinity : start + lengthMs - driftOf(lengthMs);

/** Node's timers overflow above this and fire after 1 ms instead. */
const LONGEST_TIMEOUT = 2 ** 31 - 1;

/**
 * This process's monotonic clock (`performance.now()`), untouched by steps of the wall clock.
 *
 * @example
 * const startedAt = systemClock.now();
 */
export const systemClock: Clock = {
  now: () => performance.now(),

  setTimer(callback, delayMs, keepsAlive = false) {
    let handle: NodeJS.Timeout;
    const arm = (leftMs: number): void => {
      const step = Math.min(leftMs, LONGEST_TIMEOUT);
      handle = setTimeout(() => (leftMs > step ? arm(leftMs - step) : callback()), step);
      if (!keepsAlive) handle.unref();
    };
    arm(Math.max(0, delayMs));
    return { clear: () => clearTimeout(handle) };
  },
};
