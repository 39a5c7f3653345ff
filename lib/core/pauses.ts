import type { Clock, Timer } from './clock.js';

export interface PauseOptions {
  /** Whether the process stays up for it. */
  readonly isWaitedFor?: boolean;
  /** Ends it, too. */
  readonly signal?: AbortSignal | undefined;
}

/** Pauses that can be ended all at once. */
export class Pauses {
  private readonly wakers = new Set<() => void>();
  private isOver = false;

  constructor(private readonly clock: Clock) {}

  /** Resolves after `ms`, or when all are ended; at once from then on. */
  pause(ms: number, { isWaitedFor = false, signal }: PauseOptions = {}): Promise<void> {
    if (this.isOver || signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      let timer: Timer;
      const wake = (): void => {
        timer.clear();
        this.wakers.delete(wake);
        signal?.removeEventListener('abort', wake);
        resolve();
      };
      timer = this.clock.setTimer(wake, ms, isWaitedFor);
      this.wakers.add(wake);
      signal?.addEventListener('abort', wake);
    });
  }

  end(): void {
    this.isOver = true;
    for (const wake of this.wakers) wake();
  }
}
