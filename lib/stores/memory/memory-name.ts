import type {
  AcquireReply,
  AcquireRequest,
  HandOver,
  LeaseRecord,
  NameRecord,
  Registration,
  ReleaseOutcome,
  ReleaseRequest,
  RenewReply,
  RenewRequest,
  Share,
  TransferRequest,
  Waiter as NamedWaiter,
} from '../lock-store.interface.js';

interface StoredLease extends Omit<LeaseRecord, 'remainingMs'> {
  readonly owner: string;
  readonly beganAt: number;
  endsAt: number;
}

interface Waiter extends AcquireRequest {
  readonly registration: Registration;
  readonly validUntil: number;
}

/** What the names of one memory share. */
export interface MemoryTools {
  now(): number;
  /** The first of a block of so many tokens. */
  takeTokens(count: number): number;
  tell(handOver: HandOver): void;
}

/** One name's holders, and those that wait for it: what the Redis scripts do, in the memory of a process. */
export class MemoryName {
  private readonly holders = new Map<string, StoredLease>();
  private readonly waiters = new Map<string, Waiter>(); // in the order in which they came
  /** For holders that do not know yet: who lost it by force, and when that lease would have ended. */
  private readonly forced = new Map<string, number>();
  private permits = 0;

  constructor(private readonly tools: MemoryTools) {}

  /** Whether nothing is left to be kept. */
  get isIdle(): boolean {
    this.forgetEnded();
    return this.holders.size + this.waiters.size + this.forced.size === 0;
  }

  acquire(request: AcquireRequest): AcquireReply {
    this.forgetEnded();
    const { owner, ttlMs, registration } = request;
    const isAgain = registration !== undefined && registration.number > 1;
    const formerPermits = isAgain ? undefined : this.declare(request.permits);
    const lengthMs = isAgain ? registration.claimMs : ttlMs;
    const mine = this.holders.get(owner);
    if (mine) {
      const endsAt = this.tools.now() + lengthMs;
      mine.endsAt = isAgain ? Math.max(mine.endsAt, endsAt) : endsAt;
      const { fencingToken } = mine;
      const { isWaitedFor } = this;
      return {
        status: 'granted',
        fencingToken,
        lastToken: fencingToken,
        isWaitedFor,
        formerPermits,
      };
    }
    if (registration) this.enqueue({ ...request, registration });
    let fencingToken = this.serve(owner, lengthMs);
    if (!registration && !this.isWaitedFor && this.admits(request)) {
      fencingToken = this.grant(request, lengthMs, request.tokens);
    }
    if (fencingToken !== undefined) {
      const lastToken = fencingToken + request.tokens - 1;
      const { isWaitedFor } = this;
      return { status: 'granted', fencingToken, lastToken, isWaitedFor, formerPermits };
    }
    return {
      status: 'busy',
      place: [...this.waiters.keys()].indexOf(owner) + 1,
      lease: this.records().sort((a, b) => a.remainingMs - b.remainingMs)[0] ?? null,
      formerPermits,
    };
  }

  renew({ owner, fencingToken, ttlMs }: RenewRequest): RenewReply {
    this.forgetEnded();
    const lease = this.holders.get(owner);
    if (lease?.fencingToken === fencingToken) {
      lease.endsAt = this.tools.now() + ttlMs;
      return this.isWaitedFor ? 'contended' : 'renewed';
    }
    if (this.forced.has(owner)) return 'forced';
    return lease || this.isHeldExclusively ? 'taken-over' : 'expired';
  }

  transfer(request: TransferRequest): RenewReply {
    const reply = this.renew(request);
    const lease = this.holders.get(request.owner);
    if (!lease || (reply !== 'renewed' && reply !== 'contended')) return reply;
    const { newOwner: owner, holder } = request;
    this.holders.delete(request.owner);
    this.holders.set(owner, { ...lease, owner, holder });
    return 'renewed';
  }

  release({ owner, fencingToken, minHoldMs = 0 }: ReleaseRequest): ReleaseOutcome {
    this.forgetEnded();
    this.waiters.delete(owner);
    const lease = this.holders.get(owner);
    const isOurs = lease && (fencingToken === undefined || lease.fencingToken === fencingToken);
    const outcome = isOurs
      ? 'released'
      : lease || this.isHeldExclusively
        ? 'taken-over'
        : 'expired';
    if (isOurs) {
      lease.endsAt = lease.beganAt + minHoldMs;
      if (lease.endsAt <= this.tools.now()) this.holders.delete(owner);
    }
    this.serve();
    return outcome;
  }

  forceRelease(fencingToken: number | undefined): LeaseRecord[] {
    this.forgetEnded();
    const taken = [...this.holders.values()].filter(
      (lease) => fencingToken === undefined || lease.fencingToken === fencingToken,
    );
    const records = taken.map((lease) => this.toRecord(lease));
    for (const { owner, endsAt } of taken) {
      this.holders.delete(owner);
      this.forced.set(owner, endsAt);
    }
    this.serve();
    return records;
  }

  inspect(): NameRecord {
    this.forgetEnded();
    return { holders: this.records(), waiting: this.waiters.size, permits: this.permits };
  }

  /** Who waits, first to last. */
  queue(limit: number): NamedWaiter[] {
    const waiting = [...this.waiters.values()].slice(0, limit);
    return waiting.map(({ holder, units }) => ({ holder, units }));
  }

  /** The tokens of its leases, each one's first. */
  heldTokens(): ReadonlySet<number> {
    this.forgetEnded();
    return new Set([...this.holders.values()].map(({ fencingToken }) => fencingToken));
  }

  /** Under which token this owner holds it. */
  tokenOf(owner: string): number | undefined {
    this.forgetEnded();
    return this.holders.get(owner)?.fencingToken;
  }

  /** Gives it to somebody past the queue; who had it is not told. */
  seize(request: AcquireRequest): void {
    this.holders.clear();
    this.grant(request, request.ttlMs, 1);
  }

  /** By others than those that may only be stopped, and come again. */
  private get isWaitedFor(): boolean {
    const now = this.tools.now();
    for (const { validUntil } of this.waiters.values()) if (validUntil >= now) return true;
    return false;
  }

  private get isHeldExclusively(): boolean {
    for (const { units } of this.holders.values()) if (units === 0) return true;
    return false;
  }

  /** The last declared number of permits counts; tells the former one if it was another. */
  private declare(permits: number): number | undefined {
    const former = this.permits;
    if (permits === 0 || permits === former) return undefined;
    this.permits = permits;
    return former || undefined;
  }

  private admits({ units }: Share): boolean {
    if (units === 0) return this.holders.size === 0;
    if (this.isHeldExclusively) return false;
    let used = units;
    for (const lease of this.holders.values()) used += lease.units;
    return this.permits === 0 || used <= this.permits;
  }

  private grant(
    { owner, units, holder }: AcquireRequest,
    lengthMs: number,
    tokens: number,
  ): number {
    const fencingToken = this.tools.takeTokens(tokens);
    const beganAt = this.tools.now();
    const times = { since: new Date(), beganAt, endsAt: beganAt + lengthMs };
    this.holders.set(owner, { owner, holder, fencingToken, units, ...times });
    return fencingToken;
  }

  private enqueue(request: Omit<Waiter, 'validUntil'>): void {
    const validUntil = this.tools.now() + request.registration.claimMs;
    this.waiters.set(request.owner, { ...request, validUntil }); // a former entry keeps its place
  }

  /** Hands over to those that wait, in their order, for as long as there is room; tells the asker's token. */
  private serve(asker?: string, askerMs = 0): number | undefined {
    let forAsker: number | undefined;
    for (const waiter of this.waiters.values()) {
      const { owner, validUntil, registration } = waiter;
      const overdueMs = this.tools.now() - validUntil;
      if (overdueMs > 3 * registration.claimMs) this.waiters.delete(owner);
      if (overdueMs > 0) continue; // it may only be stopped, and come again
      if (!this.admits(waiter)) break;
      this.waiters.delete(owner);
      if (owner === asker) {
        forAsker = this.grant(waiter, askerMs, waiter.tokens);
      } else {
        const { number: registrationNumber, claimMs, tokens } = registration;
        const fencingToken = this.grant(waiter, claimMs, tokens);
        const lastToken = fencingToken + tokens - 1;
        const { isWaitedFor } = this;
        this.tools.tell({ owner, registrationNumber, fencingToken, lastToken, isWaitedFor });
      }
    }
    return forAsker;
  }

  private forgetEnded(): void {
    const now = this.tools.now();
    for (const { owner, endsAt } of this.holders.values()) {
      if (endsAt <= now) this.holders.delete(owner);
    }
    for (const [owner, endsAt] of this.forced) if (endsAt <= now) this.forced.delete(owner);
    if (this.holders.size + this.waiters.size === 0) this.permits = 0;
  }

  private records(): LeaseRecord[] {
    return [...this.holders.values()].map((lease) => this.toRecord(lease));
  }

  private toRecord({ holder, fencingToken, since, units, endsAt }: StoredLease): LeaseRecord {
    return { holder, fencingToken, since, units, remainingMs: endsAt - this.tools.now() };
  }
}
