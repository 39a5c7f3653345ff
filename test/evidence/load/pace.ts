import { performance } from 'node:perf_hooks';
import type { LockService } from 'nestjs-locker';

const TICK_MS = 10;

/** Takes locks at a steady rate, each of a name that was never there before, and gives them back. */
export class Pace {
  done = 0;
  /** How many failed, by what they failed with. */
  readonly failures = new Map<string, number>();
  private started = 0;
  private slowestMs = 0;
  private readonly open = new Set<Promise<void>>();
  private timer?: NodeJS.Timeout;

  constructor(
    private readonly locks: LockService,
    private readonly perSecond: number,
  ) {}

  start(): void {
    const begin = performance.now();
    this.timer = setInterval(() => {
      // Counted from the beginning: what a late timer has missed is made up for.
      const due = ((performance.now() - begin) / 1000) * this.perSecond;
      while (this.started < due) this.takeNext();
    }, TICK_MS);
  }

  /** The longest that one took since this was asked last, in ms. */
  takeSlowest(): number {
    const slowest = this.slowestMs;
    this.slowestMs = 0;
    return slowest;
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
    await Promise.all(this.open);
  }

  private takeNext(): void {
    const call = this.take(`order:${this.started++}`).finally(() => this.open.delete(call));
    this.open.add(call);
  }

  private async take(name: string): Promise<void> {
    const asked = performance.now();
    try {
      const lock = await this.locks.acquire(name);
      this.slowestMs = Math.max(this.slowestMs, performance.now() - asked);
      await lock.release();
      this.done++;
    } catch (error) {
      const { name } = error as Error;
      this.failures.set(name, (this.failures.get(name) ?? 0) + 1);
    }
  }
}
