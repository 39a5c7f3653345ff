import type { ReleaseOutcome, ReleaseRequest } from '../stores/lock-store.interface.js';
import type { BoundedStore } from './bounded-store.js';
import type { Clock } from './clock.js';
import { Pauses } from './pauses.js';

const FIRST_RETRY_MS = 250;
const LONGEST_RETRY_MS = 5_000;
const SHORTEST_EFFORT_MS = 30_000;
/** What was done must not be done again, so that it is told for as long as there is hope. */
const LONGEST_EFFORT_MS = 24 * 3_600_000;
/** A client may keep every question until its server is back. */
const LONGEST_PAUSE_MS = 60_000;

/**
 * Releases, in the background, what may be left in the store after an answer that never came.
 *
 * A command without a reply may have been applied, or may be applied yet. Owners are never used
 * twice, so an owner-checked release can be repeated without harm to anybody else.
 */
export class LeaseCleaner {
  private readonly running = new Set<Promise<void>>();
  private readonly pauses: Pauses;
  private closing = false;

  constructor(
    private readonly store: BoundedStore,
    private readonly clock: Clock,
  ) {
    this.pauses = new Pauses(clock);
  }

  /**
   * Releases whatever `request.owner` holds; repeats it until answered, and once more for what comes late.
   *
   * @param answered is told the first answer
   */
  clean(
    request: ReleaseRequest,
    ttlMs: number,
    afterMs = 0,
    answered?: (found: ReleaseOutcome) => void,
  ): void {
    const run = this.run(request, ttlMs, afterMs, answered).finally(() => this.running.delete(run));
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
    this.pauses.end();
    await Promise.all(this.running);
  }

  private async run(
    request: ReleaseRequest,
    ttlMs: number,
    afterMs: number,
    answered?: (found: ReleaseOutcome) => void,
  ): Promise<void> {
    const { outcome, fencingToken } = request;
    const isTelling =
      outcome !== undefined && outcome.kind !== 'unbegun' && fencingToken !== undefined;
    const effortMs = isTelling ? LONGEST_EFFORT_MS : Math.max(ttlMs, SHORTEST_EFFORT_MS);
    const giveUpAt = this.clock.now() + afterMs + effortMs;
    let pauseMs = FIRST_RETRY_MS;
    let answeredBefore = false;
    if (afterMs > 0) await this.pauses.pause(afterMs);
    for (;;) {
      try {
        const found = await this.store.release(request);
        if (!answeredBefore) answered?.(found);
        if (answeredBefore || isTelling || this.closing) return;
        // The write may travel on a connection of its own and come later than this release did, even
        // where that found one: a client that reconnects sends again what was not answered.
        answeredBefore = true;
        await this.pauses.pause(this.store.timeoutMs);
      } catch {
        // Whoever asked has been told already; the lease ends at its ttl if this never succeeds.
        if (this.closing || this.clock.now() >= giveUpAt) return;
        await this.pauses.pause(pauseMs);
        pauseMs = Math.min(pauseMs * 2, isTelling ? LONGEST_PAUSE_MS : LONGEST_RETRY_MS);
      }
    }
  }
}
