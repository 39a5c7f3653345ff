import type { Clock, Timer } from './clock.js';

/** One timer for many things that are due at times of their own: it rings at the earliest. */
export class Alarm {
  private timer: Timer | undefined;
  private at = Infinity;

  constructor(
    private readonly clock: Clock,
    private readonly ring: () => void,
    private readonly keepsAlive = false,
  ) {}

  /** Rings at `time`, or earlier if it has been told so before. */
  by(time: number): void {
    if (time >= this.at) return;
    this.timer?.clear();
    this.at = time;
    this.timer = this.clock.setTimer(
      () => {
        this.at = Infinity;
        this.ring();
      },
      time - this.clock.now(),
      this.keepsAlive,
    );
  }

  clear(): void {
    this.timer?.clear();
    this.at = Infinity;
  }
}
