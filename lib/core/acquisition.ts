import { randomUUID } from 'node:crypto';
import {
  LockAbortedError,
  LockBusyError,
  LockDrainingError,
  type LockError,
  LockStoreError,
  LockTimeoutError,
} from '../lock.errors.js';
import type { Holder, LeaseRecord } from '../stores/lock-store.interface.js';
import type { ResolvedAcquireOptions } from './acquire-options.js';
import type { BoundedStore } from './bounded-store.js';
import type { Clock, Timer } from './clock.js';
import type { LeaseCleaner } from './lease-cleaner.js';
import { driftOf, type LeaseGrant } from './lease.js';
import type { LastAnswer, LocalQueue, Place } from './local-queue.js';

const FIRST_DELAY_MS = 10;
const LONGEST_DELAY_MS = 200;

export interface AcquisitionTools {
  readonly store: BoundedStore;
  readonly clock: Clock;
  readonly queue: LocalQueue;
  readonly cleaner: LeaseCleaner;
  readonly holder: Holder;
}

/** One caller's attempt to take a name, from its first question to the store until its end. */
export class Acquisition {
  /** New for every acquisition, so that what comes late of one never touches another. */
  private owner: string = randomUUID();
  private busyWith: LeaseRecord | null = null;
  private answeredTooLate = false;
  private readonly startedAt: number;
  private interruption: LockError | undefined;
  private interrupted: ((error: LockError) => void) | undefined;

  constructor(
    private readonly tools: AcquisitionTools,
    private readonly name: string,
    private readonly options: ResolvedAcquireOptions,
  ) {
    this.startedAt = tools.clock.now();
  }

  get waitedMs(): number {
    return this.tools.clock.now() - this.startedAt;
  }

  /** Ends it with a `LockDrainingError`. */
  drain(): void {
    this.interrupt(new LockDrainingError(this.name));
  }

  /** Asks once, unless others of this process wait for the holder: a try never overtakes them. */
  tryOnce(): Promise<LeaseGrant> {
    return this.interruptible(() => this.askUnlessKnown(this.tools.queue.lastAnswer(this.name)));
  }

  /** Asks until the name is granted or the wait ends. */
  wait(): Promise<LeaseGrant> {
    return this.interruptible(async () => {
      const place = this.tools.queue.enter(this.name);
      try {
        return await this.askInTurn(place);
      } finally {
        place.leave();
      }
    });
  }

  private async askInTurn(place: Place): Promise<LeaseGrant> {
    const { waitMs } = this.options;
    for (let round = 0; ; round++) {
      const grant = place.isFirst ? await this.askFor(place) : undefined;
      if (grant) return grant;
      const leftMs = waitMs - this.waitedMs;
      if (leftMs <= 0) return place.isFirst ? this.refuse() : this.endBehind(place);
      await this.pause(place, Math.min(leftMs, place.isFirst ? this.delay(round) : Infinity));
    }
  }

  private async askFor(place: Place): Promise<LeaseGrant | undefined> {
    try {
      const grant = await this.ask();
      if (!grant && this.busyWith) place.tell(this.busyWith);
      return grant;
    } catch (error) {
      if (error instanceof LockStoreError) place.tell(error);
      throw error;
    }
  }

  /** The wait ends without an answer of its own: "busy" would be a guess if the store is silent. */
  private endBehind({ lastAnswer }: Place): Promise<LeaseGrant> {
    if (lastAnswer instanceof LockStoreError) throw lastAnswer;
    return this.askUnlessKnown(lastAnswer);
  }

  private async askUnlessKnown(lastAnswer: LastAnswer): Promise<LeaseGrant> {
    if (!lastAnswer || lastAnswer instanceof LockStoreError) {
      return (await this.ask()) ?? this.refuse();
    }
    this.busyWith = lastAnswer;
    return this.refuse();
  }

  private async ask(): Promise<LeaseGrant | undefined> {
    const { store, clock, cleaner, holder } = this.tools;
    const { name, owner } = this;
    const { maxHoldMs, renew } = this.options;
    const ttlMs = Math.min(this.options.ttlMs, maxHoldMs);
    const sentAt = clock.now();
    this.answeredTooLate = false;
    try {
      const reply = await this.orInterruption(store.acquire({ name, owner, ttlMs, holder }));
      if (reply.status === 'busy') {
        this.busyWith = reply.lease;
        return undefined;
      }
      if (clock.now() < sentAt + ttlMs - driftOf(ttlMs)) {
        const { fencingToken } = reply;
        return { name, owner, fencingToken, sentAt, ttlMs: this.options.ttlMs, maxHoldMs, renew };
      }
    } catch (error) {
      cleaner.clean({ name, owner }, ttlMs);
      throw error;
    }
    // The answer took so long that the lease may be over: it is not worth having.
    this.answeredTooLate = true;
    this.owner = randomUUID();
    cleaner.clean({ name, owner }, ttlMs);
    return undefined;
  }

  /** Jittered, so that waiters of many processes do not ask all at once. */
  private delay(round: number): number {
    const backoff = Math.min(FIRST_DELAY_MS * 2 ** Math.min(round, 10), LONGEST_DELAY_MS);
    const untilExpiry = (this.busyWith?.remainingMs ?? Infinity) + 1;
    return Math.min(backoff, untilExpiry) * (0.5 + Math.random() / 2);
  }

  private async pause(place: Place, ms: number): Promise<void> {
    let timer: Timer | undefined;
    try {
      await this.orInterruption(
        new Promise<void>((resolve) => {
          if (ms !== Infinity) timer = this.tools.clock.setTimer(resolve, ms, true);
          place.onWake(resolve);
        }),
      );
    } finally {
      timer?.clear();
      place.onWake(undefined);
    }
  }

  private refuse(): never {
    if (!this.answeredTooLate) throw this.busyError();
    throw new LockStoreError(
      `The lock store took longer to grant "${this.name}" than the lease lasts (${this.options.ttlMs} ms). ` +
        'Choose a longer ttl, or look at why the store is slow.',
    );
  }

  private busyError(): LockBusyError {
    const { name, busyWith } = this;
    const { waitMs } = this.options;
    const by = busyWith
      ? `held by ${busyWith.holder.service} (${busyWith.holder.host}, pid ${busyWith.holder.pid}) since ${busyWith.since.toISOString()}`
      : 'waited for by other callers of this process';
    if (waitMs <= 0) return new LockBusyError(`The lock "${name}" is ${by}.`, name, busyWith);
    const waitedMs = this.waitedMs;
    return new LockTimeoutError(
      `The lock "${name}" was not given within ${Math.round(waitedMs)} ms: it is ${by}.`,
      name,
      busyWith,
      waitedMs,
    );
  }

  private async interruptible<T>(work: () => Promise<T>): Promise<T> {
    const { signal } = this.options;
    const onAbort = (): void => this.interrupt(new LockAbortedError(this.name, signal?.reason));
    if (signal?.aborted) onAbort();
    if (this.interruption) throw this.interruption;
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      return await work();
    } finally {
      signal?.removeEventListener('abort', onAbort);
    }
  }

  private interrupt(error: LockError): void {
    this.interruption ??= error;
    this.interrupted?.(this.interruption);
  }

  /** Settles as `task` does, or rejects at once when the acquisition is interrupted. */
  private orInterruption<T>(task: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.interrupted = reject;
      task.then(resolve, reject);
      if (this.interruption) reject(this.interruption);
    });
  }
}
