import { randomUUID } from 'node:crypto';
import { LockStoreError } from '../lock.errors.js';
import type {
  AcquireReply,
  Grant,
  HandOver,
  Holder,
  LeaseRecord,
  ReleaseRequest,
  Share,
  Subject,
} from '../stores/lock-store.interface.js';
import type { OnceRequest, OutcomeRecord } from '../stores/outcome.interface.js';
import type { BoundedStore } from './bounded-store.js';
import { type Clock, safeEnd } from './clock.js';
import type { LeaseCleaner } from './lease-cleaner.js';
import { isRenewed, type LeaseGrant } from './lease.js';
import { refusalOf } from './refusal.js';

/** How long a place in the queue is kept without a sign of life, and a lease for who was handed it. */
const CLAIM_MS = 3_000;
const FIRST_POLL_MS = 10;
const LONGEST_POLL_MS = 200;
/** Within this time after a name became free those that wait for it ask. */
const JITTER_MS = 5;
/** More registrations than can be valid at a time. */
const NUMBERS_KEPT = 16;
/** A process may hold names that many of its callers pass on; more would run ahead of the clock. */
const BLOCK_SIZE = 64;
/** No lease has it: a release with it only leaves the queue. */
const NO_TOKEN = 0;

/** What is waited for, and how. */
export interface WaitRequest extends Subject, Share {
  readonly ttlMs: number;
  readonly once?: OnceRequest | undefined;
}

/** What the store last said: what is in the way, or that it could not be asked. */
export type WaitAnswer =
  { readonly lease: LeaseRecord | null; readonly place: number } | LockStoreError;

/** A grant, by answer or by hand-over. */
type WaitGrant = Grant & { readonly unknown?: OutcomeRecord | undefined };

type AcceptedHow = Pick<LeaseGrant, 'sentAt' | 'lengthMs' | 'beganAt' | 'isBegun'>;

/** Whoever waits. */
export interface WaitListener {
  /** Whether other callers of this process wait, too, so that a block of tokens is of use. */
  readonly hasFollowers: boolean;
  granted(grant: LeaseGrant): void;
  /** The store has said what is in the way. */
  answered(answer: WaitAnswer): void;
  /** The wait is over: the store could not be asked at all, or there is nothing to be done any more. */
  failed(error: Error): void;
}

/** Where waits are kept, so that they are asked for again and hear of hand-overs. */
export interface WaitRegister {
  add(wait: Wait): void;
  remove(wait: Wait): void;
  reconsider(wait: Wait): void;
}

export interface WaitTools {
  readonly store: BoundedStore;
  readonly clock: Clock;
  readonly cleaner: LeaseCleaner;
  readonly holder: Holder;
  permitsChanged(request: WaitRequest, formerPermits: number): void;
}

/**
 * One place in the store's queue for a name, from the first question until a grant or the end.
 *
 * A place is registered again and again, each time with a new number. A hand-over tells the number
 * that it rests on, and is good for that registration's claim counted from when it was sent: the
 * moment at which its message arrives says nothing.
 */
export class Wait {
  /** New for every wait, so that what comes late of one never touches another. */
  owner: string = randomUUID();
  nextAskAt = Infinity;
  /** The next question is for when the lease in the way has ended, and of no use before. */
  asksAtEndOfLease = false;
  lastAnswer: WaitAnswer | undefined;
  readonly claimMs: number;

  private number = 0;
  /** When the last registrations were sent, the latest last. */
  private readonly sentAt: number[] = [];
  private isListed = false;
  private isAsking = false;
  private asksAgain = false;
  /** Whether the store could tell of hand-overs when it was last asked. */
  private isToldOfHandOvers = false;
  private isConfirming = false;
  /** An answer never came: what was asked may have been applied, or may be yet. */
  private isInDoubt = false;
  private isOver = false;
  private polls = 0;
  private accepted: number | undefined;

  constructor(
    private readonly tools: WaitTools,
    private readonly register: WaitRegister,
    private readonly request: WaitRequest,
    private readonly listener: WaitListener,
  ) {
    this.claimMs = Math.min(CLAIM_MS, request.ttlMs);
    this.ask();
  }

  get name(): string {
    return this.request.name;
  }

  /** When it asked last. */
  get askedAt(): number {
    return this.sentAt.at(-1) ?? -Infinity;
  }

  /** Registers (again): at once, or when the answer that is owed has come. */
  ask(): void {
    if (this.isAsking) this.asksAgain = true;
    if (this.isOver || this.isAsking || this.isConfirming) return;
    const { store, clock, holder } = this.tools;
    const { name, kind, units, permits, ttlMs, once } = this.request;
    const { owner, claimMs } = this;
    const number = ++this.number;
    this.sentAt.push(clock.now());
    if (this.sentAt.length > NUMBERS_KEPT) this.sentAt.shift();
    this.isAsking = true;
    this.asksAgain = false;
    this.isToldOfHandOvers = this.tellsHandOvers;
    this.nextAskAt = Infinity;
    const tokens = this.listener.hasFollowers ? BLOCK_SIZE : 1;
    const registration = { number, claimMs, tokens: units === 0 ? BLOCK_SIZE : 1 };
    const request = {
      name,
      kind,
      units,
      permits,
      owner,
      ttlMs,
      tokens,
      holder,
      registration,
      once,
    };
    store.acquire(request).then(
      (reply) => owner === this.owner && this.onReply(reply, number),
      (error: LockStoreError) => owner === this.owner && this.onError(error),
    );
  }

  /** The name became free, and goes to whoever asks first: not all of them at the same moment. */
  askSoon(): void {
    if (this.isOver) return;
    const { clock } = this.tools;
    this.nextAskAt = Math.min(this.nextAskAt, clock.now() + Math.random() * JITTER_MS);
    this.asksAtEndOfLease = true;
    if (this.isAsking) this.asksAgain = true;
    else if (this.isListed) this.register.reconsider(this);
  }

  private onReply(reply: AcquireReply, number: number): void {
    const { ttlMs } = this.request;
    this.isAsking = false;
    if (reply.formerPermits !== undefined) {
      this.tools.permitsChanged(this.request, reply.formerPermits);
    }
    if (reply.status === 'granted') {
      if (this.isOver) this.giveBackIfAnother(reply);
      else this.receive(reply, number, number === 1 ? ttlMs : this.claimMs, false);
    } else if (reply.status !== 'busy') {
      if (this.isOver) return;
      this.end();
      // A question without an answer may have begun it: that is not to stand in anybody's way.
      if (this.isInDoubt) this.tools.cleaner.clean(this.claim, ttlMs);
      this.listener.failed(refusalOf(reply));
    } else if (!this.isOver) {
      this.hear(reply);
    } else if (reply.place > 0) {
      // Asked or answered late, it may have queued up anew; what has been handed over stays.
      this.tools.cleaner.leave({ ...this.claim, fencingToken: NO_TOKEN }, ttlMs);
    }
  }

  private onError(error: LockStoreError): void {
    this.isAsking = false;
    this.isInDoubt = true;
    if (!this.isOver) this.hear(error);
  }

  /** Somebody has given the name up in favour of this wait. */
  handOver(handOver: HandOver): void {
    if (!this.isOver) this.receive(handOver, handOver.registrationNumber, this.claimMs, true);
  }

  /** Gives up the place, and the name if it has been handed over meanwhile. */
  stop(): void {
    if (this.isOver) return;
    this.end();
    const { claim } = this;
    const { ttlMs } = this.request;
    if (this.isAsking || this.isInDoubt || this.isConfirming)
      this.tools.cleaner.clean(claim, ttlMs);
    else this.tools.cleaner.leave(claim, ttlMs);
  }

  /** What is given up with it: nothing has been begun. */
  private get claim(): ReleaseRequest {
    const { name, kind, once } = this.request;
    const outcome = once && ({ kind: 'unbegun', job: once.job } as const);
    return { name, kind, owner: this.owner, outcome };
  }

  private end(): void {
    this.isOver = true;
    if (this.isListed) this.register.remove(this);
  }

  /** A registration that was on its way when the grant came may have been answered after its end. */
  private giveBackIfAnother({ fencingToken }: Grant): void {
    if (fencingToken === this.accepted) return;
    this.tools.cleaner.leave({ ...this.claim, fencingToken }, this.request.ttlMs);
  }

  private hear(answer: WaitAnswer): void {
    const isFirst = this.lastAnswer === undefined;
    if (isFirst && answer instanceof LockStoreError) {
      this.end();
      this.tools.cleaner.clean(this.claim, this.request.ttlMs);
      this.listener.failed(answer);
      return;
    }
    this.lastAnswer = answer;
    this.nextAskAt = this.tools.clock.now() + this.pauseAfter(answer);
    if (this.isListed) this.register.reconsider(this);
    else this.list();
    if (this.isOver) return; // it had been handed over before this answer came
    // What was registered without a way to be told must be registered with it.
    const { tellsHandOvers } = this;
    if (this.asksAgain || (tellsHandOvers && !this.isToldOfHandOvers)) this.ask();
    this.listener.answered(answer);
  }

  /** Most waits are granted with the first answer, and need to be found by nobody. */
  private list(): void {
    this.isListed = true;
    this.register.add(this);
  }

  private get tellsHandOvers(): boolean {
    return this.tools.store.tellsHandOvers(this.request.name);
  }

  private pauseAfter(answer: WaitAnswer): number {
    const jitter = 0.5 + Math.random() / 2;
    if (answer instanceof LockStoreError)
      return Math.min(LONGEST_POLL_MS, this.claimMs / 3) * jitter;
    const usualMs = this.tellsHandOvers
      ? this.claimMs / 3
      : Math.min(FIRST_POLL_MS * 2 ** Math.min(this.polls++, 10), LONGEST_POLL_MS) * jitter;
    // Nobody tells that a holder is dead: the next one asks when the lease has ended.
    const { lease, place } = answer;
    const untilEndMs = lease
      ? lease.remainingMs + (place > 1 ? FIRST_POLL_MS * jitter : 1)
      : Infinity;
    this.asksAtEndOfLease = untilEndMs < usualMs;
    return Math.max(1, Math.min(usualMs, untilEndMs));
  }

  private receive(grant: WaitGrant, number: number, lengthMs: number, isHandedOver: boolean): void {
    const { clock } = this.tools;
    const sentAt = this.sentAt.at(number - 1 - this.number) ?? -Infinity;
    const now = clock.now();
    if (now < safeEnd(sentAt, lengthMs)) {
      const beganAt = isHandedOver || number > 1 ? now : sentAt;
      this.accept(grant, {
        sentAt,
        lengthMs,
        beganAt,
        isBegun: this.request.once !== undefined && !isHandedOver,
      });
    } else if (!this.isConfirming) {
      void this.confirm(grant);
    }
  }

  private accept(grant: WaitGrant, how: AcceptedHow): void {
    this.end();
    this.accepted = grant.fencingToken;
    const { name, kind, units } = this.request;
    // No spread: this is done for every lock.
    this.listener.granted({
      name,
      kind,
      units,
      owner: grant.owner ?? this.owner,
      fencingToken: grant.fencingToken,
      lastToken: grant.lastToken,
      isWaitedFor: grant.isWaitedFor,
      unknown: grant.unknown,
      sentAt: how.sentAt,
      lengthMs: how.lengthMs,
      beganAt: how.beganAt,
      isBegun: how.isBegun,
    });
  }

  /** The grant came too late to start with: only if the store still has it, it counts. */
  private async confirm(grant: WaitGrant): Promise<void> {
    const { store, clock } = this.tools;
    const { name, kind, ttlMs } = this.request;
    const { owner } = this;
    const { fencingToken } = grant;
    this.isConfirming = true;
    this.nextAskAt = Infinity;
    const late = tooLate(name, ttlMs);
    this.lastAnswer = late;
    this.listener.answered(late); // whose time is over does not wait for that
    if (this.isOver) return;
    const sentAt = clock.now();
    try {
      const reply = await store.renewOne({ name, kind, owner, fencingToken, ttlMs });
      if (this.isOver) return; // who ended it has cleaned up
      if (isRenewed(reply) && clock.now() < safeEnd(sentAt, ttlMs)) {
        this.accept(grant, { sentAt, lengthMs: ttlMs, beganAt: sentAt, isBegun: false });
        return;
      }
      this.lastAnswer = late;
    } catch (error) {
      this.lastAnswer = error as LockStoreError;
    }
    this.isConfirming = false;
    this.isInDoubt = true;
    if (!this.isOver) this.listener.answered(this.lastAnswer); // whose time may be over
    if (!this.isOver) this.restart();
  }

  /** Begins again at the end of the queue, as another owner: the former one may be cleaned up at leisure. */
  private restart(): void {
    this.tools.cleaner.clean(this.claim, this.request.ttlMs);
    if (this.isListed) this.register.remove(this);
    this.owner = randomUUID();
    this.number = 0;
    this.sentAt.length = 0;
    this.isAsking = false;
    this.isInDoubt = false;
    if (this.isListed) this.register.add(this);
    this.ask();
  }
}

export function tooLate(name: string, ttlMs: number): LockStoreError {
  return new LockStoreError(
    `The lock store took longer to grant "${name}" than the lease lasts (${ttlMs} ms). ` +
      'Choose a longer ttl, or look at why the store is slow.',
  );
}
