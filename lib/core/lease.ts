import { LockLostError, LockReleasedError, type LossReason } from '../lock.errors.js';
import type { LeaseClaim, RenewRequest } from '../stores/lock-store.interface.js';
import type { Clock } from './clock.js';

/** Clocks that run at the same rate differ by less than this over one ttl (Redlock's allowance). */
export const driftOf = (ttlMs: number): number => ttlMs * 0.01 + 2;

export interface LeaseGrant extends LeaseClaim {
  /** The clock's time just before the command was sent: the lease cannot have begun earlier. */
  readonly sentAt: number;
  readonly ttlMs: number;
  /** The longest it may be held, counted from `sentAt`; `Infinity` for no bound. */
  readonly maxHoldMs: number;
  readonly renew: boolean;
}

/** Told when a lease is lost, after it has become so and before its signal aborts. */
export type LossListener = (lease: Lease, loss: LockLostError) => void;

/**
 * What this process knows of one lease, counted by its own monotonic clock only.
 *
 * Its deadline lies before the moment at which the store may give the name to somebody else:
 * counted from before the command was sent, less the drift. Nothing that comes later than the
 * deadline makes the lease good again.
 */
export class Lease implements LeaseClaim {
  readonly name: string;
  readonly owner: string;
  readonly fencingToken: number;
  readonly acquiredAt: number;
  /** What renewals ask for, unless `maxHold` ends before. */
  ttlMs: number;
  /** When the next renewal is due; the keeper's. */
  renewAt: number;

  private readonly endsAt: number;
  private readonly renewable: boolean;
  private deadline: number;
  private confirmedSentAt: number;
  /** Less than `ttlMs` close to `maxHold`, and until a longer extension is confirmed. */
  private confirmedTtlMs: number;
  private ending: 'released' | LockLostError | undefined;
  private controller: AbortController | undefined;

  constructor(
    grant: LeaseGrant,
    private readonly clock: Clock,
    private readonly onLost: LossListener,
  ) {
    this.name = grant.name;
    this.owner = grant.owner;
    this.fencingToken = grant.fencingToken;
    this.acquiredAt = grant.sentAt;
    this.ttlMs = grant.ttlMs;
    this.endsAt = grant.sentAt + grant.maxHoldMs;
    this.renewable = grant.renew;
    this.confirmedSentAt = grant.sentAt;
    this.confirmedTtlMs = Math.min(grant.ttlMs, grant.maxHoldMs);
    this.deadline = grant.sentAt + this.confirmedTtlMs - driftOf(this.confirmedTtlMs);
    this.renewAt = this.nextRenewal();
  }

  /** Compares clocks now, so that it is right even when this process stood still until a moment ago. */
  get isHeld(): boolean {
    this.checkDeadline();
    return this.ending === undefined;
  }

  get isReleased(): boolean {
    return this.ending === 'released';
  }

  /** Why it was lost, if it was. */
  get loss(): LockLostError | undefined {
    this.checkDeadline();
    return this.ending instanceof LockLostError ? this.ending : undefined;
  }

  get remainingMs(): number {
    return this.isHeld ? this.deadline - this.clock.now() : 0;
  }

  get heldMs(): number {
    return this.clock.now() - this.acquiredAt;
  }

  /** Made when it is first asked for: most locks never need one. */
  get signal(): AbortSignal {
    const { loss } = this; // aborts the signal that there is, should the deadline have passed
    if (!this.controller) {
      this.controller = new AbortController();
      if (loss) this.controller.abort(loss);
    }
    return this.controller.signal;
  }

  assertHeld(): void {
    if (this.isHeld) return;
    throw this.loss ?? new LockReleasedError(this.name);
  }

  /** When the keeper must look at it again. */
  get wakeAt(): number {
    return Math.min(this.renewAt, this.deadline);
  }

  /** How long before `renewAt` it may be renewed already, for the sake of a fuller batch. */
  get renewSlack(): number {
    return this.ttlMs / 12;
  }

  /** What to send at `now`, and when to try again should no answer come. */
  beginRenewal(now: number): RenewRequest {
    this.renewAt = now + this.ttlMs / 6;
    return this.renewal(now);
  }

  /** Sets the lease to `ttlMs` from now; counts the shorter of both ttls until that is confirmed. */
  beginExtension(ttlMs: number, now: number): RenewRequest {
    this.ttlMs = ttlMs;
    const request = this.renewal(now);
    this.deadline = Math.min(this.deadline, now + request.ttlMs - driftOf(request.ttlMs));
    // Not later than it was: should no answer come, the lease lasts no longer than before.
    if (this.renewable) this.renewAt = Math.min(this.renewAt, now + ttlMs / 6);
    return request;
  }

  /** The store confirmed a renewal of `ttlMs` that was sent at `sentAt`. False if that came too late. */
  confirm(sentAt: number, ttlMs: number): boolean {
    if (!this.isHeld) return false;
    if (sentAt < this.confirmedSentAt) {
      if (ttlMs < this.confirmedTtlMs) this.doubt(sentAt, ttlMs);
      return true;
    }
    this.confirmedSentAt = sentAt;
    // An extension sent meanwhile may have made it shorter.
    this.confirmedTtlMs = Math.min(ttlMs, this.ttlMs);
    this.deadline = sentAt + this.confirmedTtlMs - driftOf(this.confirmedTtlMs);
    this.renewAt = this.nextRenewal();
    return true;
  }

  /** A shorter renewal from before an extension may have been applied after it: renew at once. */
  private doubt(sentAt: number, ttlMs: number): void {
    this.deadline = Math.min(this.deadline, sentAt + ttlMs - driftOf(ttlMs));
    if (this.renewable) this.renewAt = this.clock.now();
  }

  /** Loses it if its deadline has passed. */
  checkDeadline(): void {
    if (this.ending === undefined && this.clock.now() >= this.deadline) {
      this.lose(this.lossAtDeadline());
    }
  }

  lose(reason: LossReason): void {
    if (this.ending !== undefined) return;
    const loss = new LockLostError(this.name, this.fencingToken, reason);
    this.ending = loss;
    try {
      this.onLost(this, loss);
    } finally {
      this.controller?.abort(loss);
    }
  }

  /** Ends it quietly. False if it had ended before. */
  markReleased(): boolean {
    if (!this.isHeld) return false;
    this.ending = 'released';
    return true;
  }

  private renewal(now: number): RenewRequest {
    const ttlMs = Math.max(1, Math.ceil(Math.min(this.ttlMs, this.endsAt - now)));
    return { name: this.name, owner: this.owner, fencingToken: this.fencingToken, ttlMs };
  }

  /** Whether no renewal can make it last longer. */
  private get reachesEnd(): boolean {
    return this.confirmedSentAt + this.confirmedTtlMs >= this.endsAt;
  }

  private nextRenewal(): number {
    if (!this.renewable || this.reachesEnd) return Infinity;
    return this.confirmedSentAt + this.confirmedTtlMs / 3;
  }

  private lossAtDeadline(): LossReason {
    if (this.reachesEnd) return 'max-hold';
    return this.renewable ? 'deadline' : 'not-renewed';
  }
}
