import type { LossReason } from '../lock.errors.js';
import type {
  DecidedReply,
  LeaseClaim,
  NameKind,
  RenewReply,
  RenewRequest,
} from '../stores/lock-store.interface.js';
import type { OutcomeRecord } from '../stores/outcome.interface.js';
import { type Clock, safeEnd } from './clock.js';
import type { Tenure } from './tenure.js';

/** Whether the lease is still its owner's, which the other replies tell the contrary of. */
export const isRenewed = (reply: RenewReply): reply is 'renewed' | 'contended' =>
  reply === 'renewed' || reply === 'contended';

/** For how long callers of one process pass a lease on among themselves before they queue up anew. */
const TURN_MS = 25;

/** A holder that gives back sooner than this needs no confirmation of what was handed over to it. */
const CONFIRM_AFTER_MS = 10;

export interface LeaseGrant extends LeaseClaim {
  /** Permits of a semaphore, 1 for a shared lock, 0 for an exclusive one. */
  readonly units: number;
  /** The last token of the block that begins with `fencingToken`. */
  readonly lastToken: number;
  readonly isWaitedFor: boolean;
  /** The clock's time just before the command was sent: the lease cannot have begun earlier. */
  readonly sentAt: number;
  /** What it lasts from `sentAt` without renewal: the ttl, or less where it was handed over. */
  readonly lengthMs: number;
  /** How many replicas have it, where that was asked for. */
  readonly replicas?: number | undefined;
  /** Since when it counts as held: later than `sentAt` where it was handed over. */
  readonly beganAt: number;
  /** Whether it is to do something once, and the store has recorded that this is begun. */
  readonly isBegun?: boolean | undefined;
  /** What an earlier attempt at its element has left behind. */
  readonly unknown?: OutcomeRecord | undefined;
}

/** How a lease is kept. */
export interface LeaseTerms {
  readonly ttlMs: number;
  /** The longest it may be held, counted from the grant's `beganAt`; `Infinity` for no bound. */
  readonly maxHoldMs: number;
  readonly minHoldMs: number;
  readonly renew: boolean;
  /** To how many more callers of this process it may go; only to those there now if others wait outside. */
  readonly passesLeft: number;
}

/** Told when a lease is lost, after it has become so. */
export type LossListener = (lease: Lease, reason: LossReason) => void;

/**
 * What this process knows of one lease, counted by its own monotonic clock only.
 *
 * Its deadline lies before the moment at which the store may give the name to somebody else:
 * counted from before the command was sent, less the drift. Nothing that comes later than the
 * deadline makes the lease good again.
 */
export class Lease implements LeaseClaim {
  readonly name: string;
  readonly kind: NameKind;
  readonly units: number;
  readonly owner: string;
  readonly fencingToken: number;
  readonly beganAt: number;
  readonly minHoldMs: number;
  readonly replicas: number | undefined;
  /** Whether it is held to do something once, and what an earlier try has left behind. */
  readonly isOnce: boolean;
  readonly unknown: OutcomeRecord | undefined;
  /** Who holds it at the moment. */
  tenure: Tenure | undefined;
  /** How many more callers of this process may have it in this turn. */
  passesLeft: number;
  /** What renewals ask for, unless `maxHold` ends before. */
  ttlMs: number;
  /** The keeper's. */
  bagIndex = -1;
  /** When the next renewal is due; the keeper's. */
  renewAt: number;

  /** How often it has been passed on, and for how often there are tokens. */
  private passes = 0;
  private readonly passesInAll: number;
  private readonly longestUntil: number;
  /** `longestUntil`, or the end of the ttl where nothing renews it. */
  private endsAt: number;
  private readonly renewable: boolean;
  private deadline: number;
  private confirmedSentAt: number;
  /** Less than `ttlMs` after a hand-over, close to `maxHold`, and until a longer extension is confirmed. */
  private confirmedTtlMs: number;
  private ending: 'released' | LossReason | undefined;

  constructor(
    grant: LeaseGrant,
    terms: LeaseTerms,
    private readonly clock: Clock,
    private readonly onLost: LossListener,
  ) {
    this.name = grant.name;
    this.kind = grant.kind;
    this.units = grant.units;
    this.owner = grant.owner;
    this.fencingToken = grant.fencingToken;
    this.passesLeft = terms.passesLeft;
    this.passesInAll = grant.lastToken - grant.fencingToken;
    this.replicas = grant.replicas;
    this.isOnce = grant.isBegun === true;
    this.unknown = grant.unknown;
    this.beganAt = grant.beganAt;
    this.minHoldMs = terms.minHoldMs;
    this.ttlMs = terms.ttlMs;
    this.renewable = terms.renew;
    this.confirmedSentAt = grant.sentAt;
    this.confirmedTtlMs = grant.lengthMs;
    this.longestUntil = grant.beganAt + terms.maxHoldMs;
    this.endsAt = this.endFrom(grant.beganAt);
    this.deadline = Math.min(
      safeEnd(grant.sentAt, grant.lengthMs),
      safeEnd(grant.beganAt, terms.maxHoldMs),
    );
    this.renewAt = this.nextRenewal();
  }

  /** Compares clocks now, so that it is right even when this process stood still until a moment ago. */
  get isHeld(): boolean {
    this.checkDeadline();
    return this.ending === undefined;
  }

  /** Why it was lost, if it was. */
  get lossReason(): LossReason | undefined {
    this.checkDeadline();
    return this.ending === 'released' ? undefined : this.ending;
  }

  get remainingMs(): number {
    return this.isHeld ? this.deadline - this.clock.now() : 0;
  }

  /** Whether it goes to the next caller of this process, with the next token: one with an end of its own never. */
  mayPass(): boolean {
    if (!this.renewable || this.longestUntil !== Infinity || this.minHoldMs > 0) return false;
    if (this.passesLeft <= 0 || this.passes >= this.passesInAll) return false;
    return this.clock.now() < this.turnEndsAt && this.isHeld;
  }

  /** Until then callers of this process that come do not queue up in the store: it may be free by then. */
  get turnEndsAt(): number {
    return this.beganAt + TURN_MS;
  }

  /** The token of whoever has it now. */
  get currentToken(): number {
    return this.fencingToken + this.passes;
  }

  pass(): number {
    this.passesLeft--;
    this.passes++;
    return this.currentToken;
  }

  /** When the keeper must look at it again. */
  get wakeAt(): number {
    return Math.min(this.renewAt, this.deadline);
  }

  /** How long before `renewAt` it may be renewed already, for the sake of a fuller batch. */
  get renewSlack(): number {
    return Math.min(this.ttlMs, this.confirmedTtlMs) / 12;
  }

  /** What to send at `now`, and when to try again should no answer come. */
  beginRenewal(now: number): RenewRequest {
    this.renewAt = now + Math.min(this.ttlMs, this.confirmedTtlMs) / 6;
    return this.renewal(now);
  }

  /** Sets the lease to `ttlMs` from now; counts the shorter of both ttls until that is confirmed. */
  beginExtension(ttlMs: number, now: number): RenewRequest {
    this.ttlMs = ttlMs;
    this.endsAt = this.endFrom(now);
    const request = this.renewal(now);
    this.deadline = Math.min(this.deadline, safeEnd(now, request.ttlMs));
    // Not later than it was: should no answer come, the lease lasts no longer than before.
    if (this.renewable) this.renewAt = Math.min(this.renewAt, now + ttlMs / 6);
    return request;
  }

  /** What the store says of a renewal or an extension that was sent at `sentAt`. */
  settle(reply: DecidedReply, { ttlMs }: RenewRequest, sentAt: number): void {
    if (!isRenewed(reply)) return this.lose(reply);
    this.confirm(sentAt, ttlMs);
    if (reply === 'contended') this.passesLeft = 0;
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
    this.deadline = safeEnd(sentAt, this.confirmedTtlMs);
    this.renewAt = this.nextRenewal();
    return true;
  }

  /** A shorter renewal from before an extension may have been applied after it: renew at once. */
  private doubt(sentAt: number, ttlMs: number): void {
    this.deadline = Math.min(this.deadline, safeEnd(sentAt, ttlMs));
    if (this.renewable) this.renewAt = this.clock.now();
  }

  /** Loses it if its deadline has passed. */
  checkDeadline(): void {
    if (this.ending === undefined && this.clock.now() >= this.deadline) {
      this.lose(this.lossAtDeadline());
    }
  }

  /** What another process needs to go on with it. */
  get terms(): Omit<LeaseTerms, 'passesLeft'> {
    const { ttlMs, minHoldMs, renewable: renew } = this;
    return { ttlMs, minHoldMs, renew, maxHoldMs: this.longestUntil - this.clock.now() };
  }

  lose(reason: LossReason): void {
    if (this.ending !== undefined) return;
    this.ending = reason;
    this.onLost(this, reason);
  }

  /** Ends it quietly. False if it had ended before. */
  markReleased(): boolean {
    if (!this.isHeld) return false;
    this.ending = 'released';
    return true;
  }

  private endFrom(start: number): number {
    return this.renewable ? this.longestUntil : Math.min(this.longestUntil, start + this.ttlMs);
  }

  /** What to ask for at `now`, so that it does not outlast its end. */
  renewal(now: number): RenewRequest {
    const ttlMs = Math.max(1, Math.ceil(Math.min(this.ttlMs, this.endsAt - now)));
    const { name, kind, owner, fencingToken } = this;
    return { name, kind, owner, fencingToken, ttlMs };
  }

  /** Whether no renewal can make it last longer. */
  private get reachesEnd(): boolean {
    return this.confirmedSentAt + this.confirmedTtlMs >= this.endsAt;
  }

  private nextRenewal(): number {
    if (this.reachesEnd) return Infinity;
    const due = this.confirmedSentAt + this.confirmedTtlMs / 3;
    if (this.confirmedTtlMs >= Math.min(this.ttlMs, this.endsAt - this.confirmedSentAt)) return due;
    return Math.min(due, this.clock.now() + CONFIRM_AFTER_MS);
  }

  private lossAtDeadline(): LossReason {
    if (this.confirmedSentAt + this.confirmedTtlMs >= this.longestUntil) return 'max-hold';
    return this.renewable ? 'deadline' : 'not-renewed';
  }
}
