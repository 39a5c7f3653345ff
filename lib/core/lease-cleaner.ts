import type { ReleaseRequest } from '../stores/lock-store.interface.js';
import type { BoundedStore } from './bounded-store.js';
import type { Clock, Timer } from './clock.js';

const FIRST_RETRY_MS = 250;
const LONGEST_RETRY_MS = 5_000;
const SHORTEST_EFFORT_MS = 30_000;

/**
 * Releases, in the background, what may be left in the store after an answer that never came.
 *
 * A command without a reply may have been applied, or may be applied yet. Owners are never used
 * twice, so an owner-checked release can be repeated without harm to anybody else.
 */
export class LeaseCleaner {
  private readonly running = new Set<Promise<void>>();
  private readonly pauses = new Set<() => void>();
  private closing = false;

  constructor(
    private readonly store: BoundedStore,
    private readonly clock: Clock,
  ) {}

  /** Releases whatever `request.owner` holds; repeats it until answered, and once more for what comes late. */
  clean(request: ReleaseRequest, ttlMs: number, afterMs = 0): void {
    const run = this.run(request, ttlMs, afterMs).finally(() => this.running.delete(run));
    this.running.add(run);
  }

  /** Releases once what is surely known to the store, and as `clean` does if that is not answered. */
  leave(request: ReleaseRequest, ttlMs: number): void {
    const run = this.store
      .release(request)
      .then(
        () => undefined,
        () => this.run(request, ttlMs, 0),
      )
      .finally(() => this.running.delete(run));
    this.running.add(run);
  }

  /** Ends the pauses, tries each release a last time and resolves when that is answered. */
  async close(): Promise<void> {
    this.closing = true;
    for (const wake of this.pauses) wake();
    await Promise.all(this.running);
  }

  private async run(request: ReleaseRequest, ttlMs: number, afterMs: number): Promise<void> {
    const giveUpAt = this.clock.now() + afterMs + Math.max(ttlMs, SHORTEST_EFFORT_MS);
    let pauseMs = FIRST_RETRY_MS;
    let answeredBefore = false;
    if (afterMs > 0) await this.pause(afterMs);
    for (;;) {
      try {
        await this.store.release(request);
        if (answeredBefore || this.closing) return;
        // The write may travel on a connection of its own and come later than this release did, even
        // where that found one: a client that reconnects sends again what was not answered.
        answeredBefore = true;
        await this.pause(this.store.timeoutMs);
      } catch {
        // Whoever asked has been told already; the lease ends at its ttl if this never succeeds.
        if (this.closing || this.clock.now() >= giveUpAt) return;
        await this.pause(pauseMs);
        pauseMs = Math.min(pauseMs * 2, LONGEST_RETRY_MS);
      }
    }
  }

  private pause(ms: number): Promise<void> {
    if (this.closing) return Promise.resolve();
    return new Promise((resolve) => {
      let timer: Timer;
      const wake = (): void => {
        timer.clear();
        this.pauses.delete(wake);
        resolve();
      };
      timer = this.clock.setTimer(wake, ms);
      this.pauses.add(wake);
    });
  }
}
