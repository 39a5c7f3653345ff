import { randomUUID } from 'node:crypto';
import {
  LockAbortedError,
  LockBusyError,
  LockDrainingError,
  LockLostError,
  LockStoreError,
} from '../lock.errors.js';
import type {
  AcquireReply,
  Holder,
  LeaseRecord,
  ReleaseRequest,
  Share,
  Subject,
} from '../stores/lock-store.interface.js';
import type { OnceRequest } from '../stores/outcome.interface.js';
import type { ResolvedAcquireOptions } from './acquire-options.js';
import { busyError, timeoutError, tooFewReplicas } from './acquisition-errors.js';
import type { BoundedStore } from './bounded-store.js';
import { type Clock, type Timer, safeEnd } from './clock.js';
import type { LeaseCleaner } from './lease-cleaner.js';
import { isRenewed, type Lease, type LeaseGrant, type LeaseTerms } from './lease.js';
import type { Caller, Line } from './line.js';
import { lockChannels, type WaitMessage } from './lock-channels.js';
import type { LockEventSink } from './lock-events.js';
import { Operation } from './operation.js';
import { refusalOf } from './refusal.js';
import { modeOfShare, type Tenure } from './tenure.js';
import type { WaitTally } from './wait-tally.js';
import {
  tooLate,
  type Wait,
  type WaitAnswer,
  type WaitListener,
  type WaitRequest,
} from './wait.js';

/** What is asked for: a name, and how much of it; to do something once, or to do it whenever. */
export interface Want extends Subject, Share {
  readonly once?: OnceRequest | undefined;
}

/** How what it comes to is told. */
export type AcquireTelling = Pick<ResolvedAcquireOptions, 'isQuiet' | 'label' | 'asked'>;

/** What an acquisition needs of its process. */
export interface AcquisitionTools {
  readonly store: BoundedStore;
  readonly clock: Clock;
  readonly cleaner: LeaseCleaner;
  readonly holder: Holder;
  lineFor(name: string): Line;
  readonly existingLine: (name: string) => Line | undefined;
  startWait(request: WaitRequest, listener: WaitListener): Wait;
  begin(grant: LeaseGrant, terms: LeaseTerms, waitedMs: number, how: AcquireTelling): Tenure;
  takeOver(lease: Lease, waitedMs: number, how: AcquireTelling): Tenure;
  permitsChanged(want: Want, formerPermits: number): void;
  readonly tally: WaitTally;
  /** It is over, in whatever way. */
  ended(acquisition: Acquisition): void;
  readonly emit: LockEventSink;
}

/** One caller's attempt to take a name, from its first question to the store until its end. */
export class Acquisition implements Caller {
  bagIndex = -1;
  readonly waitsUntil: number;
  private readonly startedAt: number;
  private place: number | undefined;
  /** Since when somebody else is known to have it. */
  private waitsSince = 0;
  private wait: Wait | undefined;
  private timer: Timer | undefined;
  /** Of the wait, if somebody listens. */
  private waiting: Operation<WaitMessage> | undefined;
  private interruption: unknown;
  private giveUp: (() => void) | undefined;
  private isOver = false;
  private onAbort: (() => void) | undefined;
  private resolve!: (tenure: Tenure) => void;
  private reject!: (error: unknown) => void;

  constructor(
    private readonly tools: AcquisitionTools,
    private readonly want: Want,
    private readonly options: ResolvedAcquireOptions,
  ) {
    this.startedAt = tools.clock.now();
    this.waitsUntil = this.startedAt + options.waitMs;
  }

  get waitedMs(): number {
    return this.tools.clock.now() - this.startedAt;
  }

  get ttlMs(): number {
    return Math.min(this.options.ttlMs, this.options.maxHoldMs);
  }

  get takesPassedLease(): boolean {
    const { renew, maxHoldMs, minHoldMs, minReplicas } = this.options;
    return renew && maxHoldMs === Infinity && minHoldMs === 0 && minReplicas === 0;
  }

  /** Takes the name now, or waits in the queue if it may; settles once. */
  run(): Promise<Tenure> {
    const { signal } = this.options;
    return new Promise<Tenure>((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
      if (signal) this.listenTo(signal);
      if (this.interruption !== undefined) return;
      if (this.options.waitMs > 0) this.queueUp();
      else void this.tryOnce();
    });
  }

  /** Ends it with a `LockDrainingError`. */
  drain(): void {
    this.interrupt(new LockDrainingError(this.want.name));
  }

  begin(grant: LeaseGrant, passesLeft: number): void {
    this.timer?.clear();
    this.timer = undefined;
    this.giveUp = undefined;
    if (this.want.once && !grant.isBegun) void this.beginHandedOver(grant);
    else if (this.options.minReplicas > 0) void this.beginReplicated(grant);
    else this.succeed(this.beginNow(grant, passesLeft));
  }

  /** Whoever had it before may have done what is to be done once: asks again, as the owner that has it. */
  private async beginHandedOver({ owner }: LeaseGrant): Promise<void> {
    const claim = this.claimOf(owner);
    this.giveUp = () => this.tools.cleaner.clean(claim, this.ttlMs);
    try {
      const grant = await this.ask(owner);
      if (!grant || this.isOver) return; // and given up
      if ('fencingToken' in grant) return this.begin(grant, 0);
      this.giveUp = undefined;
      // It took too long, and somebody else has it by now.
      this.waitOn(grant);
    } catch (error) {
      if (error instanceof LockStoreError && !this.isOver) this.waitOn(error);
      else this.fail(error);
    }
  }

  /** Begins again at the end of the queue, if there is time left. */
  private waitOn(answer: WaitAnswer): void {
    if (this.tools.clock.now() < this.waitsUntil) this.waitAlone();
    else this.timeOut(answer);
  }

  private claimOf(owner: string): ReleaseRequest {
    const { name, kind, once } = this.want;
    return { name, kind, owner, outcome: once && { kind: 'unbegun', job: once.job } };
  }

  /**
   * Asks the store for this owner, without a place in the queue: a grant, or what is in the way.
   * `undefined` if it was interrupted, and given up, meanwhile.
   */
  private async ask(owner: string): Promise<LeaseGrant | BusyReply | undefined> {
    const { store, clock, holder } = this.tools;
    const { want, ttlMs } = this;
    const { name, kind, units } = want;
    const sentAt = clock.now();
    const reply = await store
      .acquire({ ...want, owner, ttlMs, tokens: 1, holder })
      .catch((error: unknown) => {
        if (this.interruption === undefined) this.giveUp?.();
        throw error;
      });
    if (this.interruption !== undefined) return undefined;
    if (reply.formerPermits !== undefined) this.tools.permitsChanged(want, reply.formerPermits);
    if (reply.status === 'busy') return reply;
    if (reply.status !== 'granted') throw refusalOf(reply);
    if (clock.now() >= safeEnd(sentAt, ttlMs)) {
      this.giveUp?.();
      throw tooLate(name, this.options.ttlMs);
    }
    const { fencingToken, lastToken, isWaitedFor, unknown } = reply;
    const given = reply.owner ?? owner;
    const lease = {
      name,
      kind,
      units,
      owner: given,
      fencingToken,
      lastToken,
      isWaitedFor,
      unknown,
    };
    return { ...lease, sentAt, lengthMs: ttlMs, beganAt: sentAt, isBegun: want.once !== undefined };
  }

  /** Only what has arrived on enough replicas counts; what has not is given back. */
  private async beginReplicated(grant: LeaseGrant): Promise<void> {
    const { store, clock, cleaner } = this.tools;
    const { ttlMs } = this;
    const { minReplicas: replicas } = this.options;
    const { name, owner, fencingToken } = grant;
    const claim = { ...this.claimOf(owner), fencingToken };
    const sentAt = clock.now();
    try {
      const { reply, acknowledged } = await store.replicate({ ...claim, ttlMs, replicas });
      if (!isRenewed(reply)) {
        throw new LockLostError(name, fencingToken, reply);
      }
      if (acknowledged < replicas) throw tooFewReplicas(name, acknowledged, replicas);
      if (this.isOver) throw this.interruption;
      this.succeed(this.beginNow({ ...grant, sentAt, lengthMs: ttlMs, replicas: acknowledged }, 0));
    } catch (error) {
      cleaner.clean(claim, ttlMs);
      this.fail(error);
    }
  }

  takeOver(lease: Lease): void {
    this.succeed(this.tools.takeOver(lease, this.waitedMs, this.options));
  }

  refuse(error: Error): void {
    this.fail(error);
  }

  timeOut(answer: WaitAnswer | undefined): void {
    this.fail(answer instanceof LockStoreError ? answer : this.busyError(answer?.lease ?? null));
  }

  tellPlace(place: number): void {
    if (place === this.place) return;
    if (this.isOver) return;
    if (this.place === undefined) {
      this.waitsSince = this.tools.clock.now();
      this.tools.tally.begin();
      this.tellWait(place);
    }
    this.place = place;
    try {
      this.options.onWaiting?.(place);
    } catch (error) {
      this.interrupt(error);
    }
  }

  private tellWait(place: number): void {
    const { wait } = lockChannels;
    if (!wait.hasSubscribers) return;
    const { clock, holder } = this.tools;
    const { name } = this.want;
    const { label, asked } = this.options;
    const message: WaitMessage = {
      service: holder.service,
      mode: modeOfShare(this.want),
      label,
      name,
      place,
      acquire: asked,
    };
    this.waiting = new Operation(wait, message, clock).begin();
  }

  private queueUp(): void {
    const { name, kind, units, once } = this.want;
    if (kind === 'lock' && units === 0 && !once) this.tools.lineFor(name).enter(this);
    else this.waitAlone();
  }

  /** Those that share a name need not wait for each other: each has a place of its own. */
  private waitAlone(): void {
    const { clock } = this.tools;
    const { ttlMs } = this;
    const listener: WaitListener = {
      hasFollowers: false,
      granted: (grant) => this.begin(grant, 0),
      answered: (answer) => {
        if (!(answer instanceof LockStoreError)) this.tellPlace(answer.place);
        if (this.timer || this.waitsUntil === Infinity) return;
        const leftMs = this.waitsUntil - clock.now();
        this.timer = clock.setTimer(
          () => {
            const { wait } = this;
            wait?.stop();
            this.timeOut(wait?.lastAnswer);
          },
          leftMs,
          true,
        );
      },
      failed: (error) => this.refuse(error),
    };
    this.wait = this.tools.startWait({ ...this.want, ttlMs }, listener);
  }

  /** Asks once, unless others of this process wait already: a try never overtakes them. */
  private async tryOnce(): Promise<void> {
    const owner = randomUUID();
    try {
      this.refuseIfOthersWait();
      // Whatever becomes of it: nobody waits for the answer any more.
      this.giveUp = () => this.tools.cleaner.clean(this.claimOf(owner), this.ttlMs);
      const grant = await this.ask(owner);
      if (!grant || this.isOver) return; // and given up
      if (!('fencingToken' in grant)) throw this.busyError(grant.lease);
      this.begin(grant, 0);
    } catch (error) {
      this.fail(error);
    }
  }

  private refuseIfOthersWait(): void {
    const { name, kind, once } = this.want;
    // What is to be done once may be done already, whoever waits for its name.
    const line = kind === 'lock' && !once ? this.tools.existingLine(name) : undefined;
    const known = line?.lastAnswer;
    if (known && !(known instanceof LockStoreError)) throw this.busyError(known.lease);
  }

  private beginNow(grant: LeaseGrant, passesLeft: number): Tenure {
    return this.tools.begin(grant, this.termsWith(passesLeft), this.waitedMs, this.options);
  }

  private termsWith(passesLeft: number): LeaseTerms {
    const { ttlMs, maxHoldMs, minHoldMs, renew } = this.options;
    return { ttlMs, maxHoldMs, minHoldMs, renew, passesLeft };
  }

  private busyError(lease: LeaseRecord | null): LockBusyError {
    if (this.options.waitMs <= 0) return busyError(this.want, lease);
    return timeoutError(this.want, lease, this.waitedMs, this.place ?? null);
  }

  private listenTo(signal: AbortSignal): void {
    this.onAbort = () => this.interrupt(new LockAbortedError(this.want.name, signal.reason));
    if (signal.aborted) this.onAbort();
    else signal.addEventListener('abort', this.onAbort, { once: true });
  }

  private interrupt(error: unknown): void {
    if (this.interruption !== undefined) return;
    this.interruption = error;
    this.tools.existingLine(this.want.name)?.leave(this);
    this.wait?.stop();
    this.giveUp?.();
    this.fail(error);
  }

  private succeed(tenure: Tenure): void {
    this.waiting?.succeed(undefined);
    this.end();
    this.resolve(tenure);
  }

  private fail(error: unknown): void {
    if (this.isOver) return;
    this.waiting?.fail(error);
    this.end();
    if (error instanceof LockBusyError && !this.options.isQuiet) {
      const { waitedMs } = this;
      const { name } = this.want;
      this.tools.emit({ type: 'busy', name, waitedMs, holder: error.holder });
    }
    this.reject(error);
  }

  private end(): void {
    const { clock, tally } = this.tools;
    if (this.place !== undefined && !this.isOver) tally.end(clock.now() - this.waitsSince);
    this.isOver = true;
    this.timer?.clear();
    this.options.signal?.removeEventListener('abort', this.onAbort!);
    this.tools.ended(this);
  }
}

type BusyReply = Extract<AcquireReply, { status: 'busy' }>;
