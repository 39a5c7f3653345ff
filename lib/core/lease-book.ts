import { LockLostError, type LossReason } from '../lock.errors.js';
import type { ReleaseOutcome } from '../stores/lock-store.interface.js';
import type { Outcome } from '../stores/outcome.interface.js';
import type { BoundedStore } from './bounded-store.js';
import { type Clock, driftOf } from './clock.js';
import type { LeaseCleaner } from './lease-cleaner.js';
import { LeaseKeeper } from './lease-keeper.js';
import { Lease, type LeaseGrant, type LeaseTerms } from './lease.js';
import { LightMap } from './light-map.js';
import {
  type AcquireMessage,
  type HoldMessage,
  lockChannels,
  type ReleaseMessage,
} from './lock-channels.js';
import type { LockEventSink } from './lock-events.js';
import type { Lock } from './lock.js';
import { Operation } from './operation.js';
import { modeOfShare, Tenure } from './tenure.js';

export interface LeaseBookTools {
  readonly store: BoundedStore;
  readonly clock: Clock;
  readonly cleaner: LeaseCleaner;
  readonly emit: LockEventSink;
  /** What messages say whose locks they are. */
  readonly service: string;
  /** Gives a lease that a caller has done with to the next one of this process, if there is one. */
  passOn(lease: Lease): boolean;
  /** Those of this process that wait for the name must ask the store now. */
  freed(name: string): void;
  readonly renewing: (tenure: Tenure) => void;
  /** A tenure has ended, in whatever way. */
  ended(tenure: Tenure): void;
}

interface BeginOptions {
  /** Of the first tenure, where that is another than the lease's own. */
  readonly token?: number;
  readonly isTold?: boolean;
  readonly label?: string | undefined;
  readonly asked?: AcquireMessage | undefined;
}

/** The leases that this process has, and who of its callers holds them: begins, extends and ends both. */
export class LeaseBook {
  /** Of every name that is locked exclusively, the lease. */
  private readonly exclusive = new LightMap<Lease>();
  private readonly keeper: LeaseKeeper;
  private unreleased = 0;
  private readonly lost = (lease: Lease, reason: LossReason): void => this.onLost(lease, reason);

  constructor(private readonly tools: LeaseBookTools) {
    const { store, clock, emit, renewing, service } = tools;
    const failed = (names: readonly string[], error: Error): void =>
      emit({ type: 'renewal-failed', names, error });
    this.keeper = new LeaseKeeper(store, clock, renewing, failed, service);
  }

  /** How many leases have not been given back yet. */
  get size(): number {
    return this.unreleased;
  }

  *[Symbol.iterator](): IterableIterator<Tenure> {
    for (const { tenure } of this.keeper) if (tenure) yield tenure;
  }

  leaseOf(name: string): Lease | undefined {
    return this.exclusive.get(name);
  }

  begin(
    grant: LeaseGrant,
    terms: LeaseTerms,
    waitedMs: number,
    { token, isTold = true, label, asked }: BeginOptions = {},
  ): Tenure {
    const { clock } = this.tools;
    const lease = new Lease(grant, terms, clock, this.lost);
    this.unreleased++;
    this.keeper.keep(lease);
    if (lease.kind === 'lock' && lease.units === 0) this.exclusive.set(lease.name, lease);
    const tenure = new Tenure(lease, token ?? lease.fencingToken, lease.beganAt, clock);
    tenure.label = label;
    tenure.asked = asked;
    return this.hold(tenure, waitedMs, isTold);
  }

  /** The next caller holds the lease of the one before. */
  takeOver(
    lease: Lease,
    waitedMs: number,
    { isTold = true, label, asked }: Omit<BeginOptions, 'token'> = {},
  ): Tenure {
    const { clock } = this.tools;
    const tenure = new Tenure(lease, lease.pass(), clock.now(), clock);
    tenure.label = label;
    tenure.asked = asked;
    return this.hold(tenure, waitedMs, isTold);
  }

  /** Tells of a tenure that nobody has been told of yet. */
  tell(tenure: Tenure): void {
    if (tenure.isTold) return;
    this.tellBegin(tenure, tenure.heldMs);
  }

  /** Votes that leases rest on may be void: has each confirmed, or lost. */
  confirmAll(): void {
    this.keeper.renewAll();
  }

  async extend({ lease }: Tenure, ttlMs: number): Promise<void> {
    const { store, clock } = this.tools;
    const sentAt = clock.now();
    const request = lease.beginExtension(ttlMs, sentAt);
    this.keeper.reconsider(lease);
    lease.settle(await store.renewOne(request), request, sentAt);
    this.keeper.reconsider(lease);
  }

  /** Ends a tenure: its lease goes to the next caller of this process, or back to the store. */
  release(tenure: Tenure, by?: Lock, outcome?: Outcome): Promise<ReleaseOutcome> {
    const { release } = lockChannels;
    if (!release.hasSubscribers) return this.releaseUnheard(tenure, by, outcome);
    return new Operation<ReleaseMessage>(release, this.messageOf(tenure), this.tools.clock).trace(
      () => this.releaseUnheard(tenure, by, outcome),
      (found) => found,
    );
  }

  private releaseUnheard(
    tenure: Tenure,
    by: Lock | undefined,
    outcome: Outcome | undefined,
  ): Promise<ReleaseOutcome> {
    const { lease } = tenure;
    const endsHere = tenure.markReleased();
    this.tools.ended(tenure);
    if (!endsHere) {
      const isAnothersNow = tenure.isReleased && lease.tenure !== undefined;
      return isAnothersNow
        ? Promise.resolve('released')
        : this.giveBack(tenure, false, by, outcome);
    }
    if (!this.tools.passOn(lease)) {
      return this.giveBack(tenure, tenure.isTold, by, outcome);
    }
    if (tenure.isTold) this.tellEnd(tenure, 'released');
    return Promise.resolve('released');
  }

  /** Its lease is given back already. */
  end(tenure: Tenure): void {
    // It may have been lost before that was known, and has been told and counted then.
    if (this.drop(tenure) && tenure.isTold) this.tellEnd(tenure, 'released');
  }

  /** Somebody else keeps its lease from now on. */
  detach(tenure: Tenure): void {
    this.drop(tenure);
    this.tools.store.detached(tenure.lease.owner);
    tenure.operation?.succeed('detached');
  }

  private drop(tenure: Tenure): boolean {
    const { lease } = tenure;
    tenure.markReleased();
    const wasHeld = lease.markReleased();
    this.forget(lease);
    if (wasHeld) this.unreleased--;
    this.tools.ended(tenure);
    this.tools.freed(lease.name);
    return wasHeld;
  }

  private hold(tenure: Tenure, waitedMs: number, isTold: boolean): Tenure {
    tenure.lease.tenure = tenure;
    if (isTold) this.tellBegin(tenure, waitedMs);
    else tenure.isTold = false;
    return tenure;
  }

  private tellBegin(tenure: Tenure, waitedMs: number): void {
    const { name, fencingToken } = tenure;
    const { hold } = lockChannels;
    tenure.isTold = true;
    if (hold.hasSubscribers) {
      const message: HoldMessage = { ...this.messageOf(tenure), acquire: tenure.asked };
      tenure.operation = new Operation(hold, message, this.tools.clock).begin();
    }
    this.tools.emit({ type: 'acquired', name, fencingToken, waitedMs });
  }

  private messageOf({ lease, label, name, fencingToken }: Tenure) {
    return { service: this.tools.service, mode: modeOfShare(lease), label, name, fencingToken };
  }

  private forget(lease: Lease): void {
    this.keeper.drop(lease);
    lease.tenure = undefined;
    if (this.exclusive.get(lease.name) === lease) this.exclusive.delete(lease.name);
  }

  private giveBack(
    tenure: Tenure,
    tells: boolean,
    by?: Lock,
    outcome?: Outcome,
  ): Promise<ReleaseOutcome> {
    const { lease } = tenure;
    const { name, kind, owner, fencingToken } = lease;
    const wasHeld = lease.markReleased();
    this.forget(lease);
    // What was only tried has never been held.
    const minHoldMs = tenure.isTold ? lease.minHoldMs : 0;
    const request = { name, kind, owner, fencingToken, minHoldMs, wasHeld, outcome };
    const releasing = this.tools.store.release(request);
    // In the same turn, so that leaving and queueing up again travel together.
    this.tools.freed(name);
    return releasing.then(
      (found) => {
        if (wasHeld) this.unreleased--;
        if (tells) this.tellEnd(tenure, found);
        this.tellOutcome(tenure, outcome, found);
        this.tools.ended(tenure);
        return found;
      },
      (error: Error) => {
        by?.releaseFailed();
        if (wasHeld) this.unreleased--;
        this.tools.cleaner.clean(request, lease.ttlMs, 0, (found) =>
          this.tellOutcome(tenure, outcome, found),
        );
        if (tells) {
          const { fencingToken: token, heldMs } = tenure;
          tenure.operation?.fail(error);
          this.tools.emit({ type: 'release-failed', name, fencingToken: token, heldMs, error });
        }
        this.tools.ended(tenure);
        throw error;
      },
    );
  }

  private tellEnd(tenure: Tenure, outcome: ReleaseOutcome): void {
    const { name, fencingToken, heldMs, operation } = tenure;
    const { kind } = tenure.lease;
    if (outcome === 'released') {
      operation?.succeed('released');
      this.tools.emit({ type: 'released', name, fencingToken, heldMs });
    } else {
      const error = new LockLostError(name, fencingToken, outcome);
      operation?.fail(error);
      this.tools.emit({ type: 'lost', name, kind, fencingToken, heldMs, reason: outcome, error });
    }
  }

  private tellOutcome(tenure: Tenure, outcome: Outcome | undefined, found: ReleaseOutcome): void {
    if (outcome?.kind !== 'processed') return;
    const { name, fencingToken } = tenure;
    const isLate = found !== 'released' || tenure.loss !== undefined;
    this.tools.emit({ type: 'processed', name, job: outcome.job, fencingToken, isLate });
  }

  private onLost(lease: Lease, reason: LossReason): void {
    const { tenure } = lease;
    this.forget(lease);
    this.unreleased--;
    try {
      tenure?.lose(reason, (error) => {
        this.tools.ended(tenure);
        const { name, fencingToken, heldMs } = tenure;
        if (tenure.isTold) {
          tenure.operation?.fail(error);
          const { kind } = lease;
          this.tools.emit({ type: 'lost', name, kind, fencingToken, heldMs, reason, error });
        }
      });
    } finally {
      this.cleanBehind(lease, reason);
      this.tools.freed(lease.name);
    }
  }

  private cleanBehind(lease: Lease, reason: LossReason): void {
    const { name, kind, owner, fencingToken, minHoldMs, ttlMs } = lease;
    const request = { name, kind, owner, fencingToken, minHoldMs };
    // A renewal still on its way would keep the name taken for another ttl, with nobody behind it.
    if (reason === 'deadline') this.tools.cleaner.clean(request, ttlMs, driftOf(ttlMs));
    else if (reason === 'shutdown') this.tools.cleaner.clean(request, ttlMs);
  }
}
