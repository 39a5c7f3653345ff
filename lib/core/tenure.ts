import { LockLostError, LockReleasedError, type LossReason } from '../lock.errors.js';
import type { Clock } from './clock.js';
import type { Lease } from './lease.js';
import type { AcquireMessage, HoldMessage, LockMode } from './lock-channels.js';
import type { Operation } from './operation.js';

/** What a lock stands for: the tenure of one name, or those of several. */
export interface Holding {
  readonly name: string;
  readonly tenures: readonly Tenure[];
  readonly isHeld: boolean;
  readonly isReleased: boolean;
  /** Whether it is held to do something once, so that its end is told with an outcome. */
  readonly isOnce: boolean;
  readonly loss: LockLostError | undefined;
  readonly remainingMs: number;
  readonly signal: AbortSignal;
  assertHeld(): void;
}

/** Whether others may hold the same, too; it is one for all names of a holding. */
export function modeOf({ tenures: [tenure] }: Holding): LockMode {
  return modeOfShare(tenure!.lease);
}

export function modeOfShare({ kind, units }: Pick<Lease, 'kind' | 'units'>): LockMode {
  if (kind === 'semaphore') return 'permit';
  return units > 0 ? 'shared' : 'exclusive';
}

/** A handle that may be garbage-collected unreleased, and the next one of the same tenure. */
export interface WatchedHandle {
  handle: object | WeakRef<object>;
  /** Where it was taken, if that is to be told. */
  readonly stack: string | undefined;
  next: WatchedHandle | undefined;
}

/**
 * The time for which one caller, and those nested in its work, hold a lease: with a token of its own,
 * and an end of its own. One lease may serve one tenure after the other.
 */
export class Tenure implements Holding {
  readonly beganAt: number;
  /** Its handles, that they may be noticed when nobody can release them any more. */
  watched: WatchedHandle | undefined;
  /** How many locks share it; the last one that is released ends it. */
  locks = 1;
  /** Whether events tell of it; not while it is only tried whether all of several names are free. */
  isTold = true;
  /** What its kind of lock is called where names are too many. */
  label: string | undefined;
  /** The call that it was given to, as it is told, and the hold, if somebody listens. */
  asked: AcquireMessage | undefined;
  operation: Operation<HoldMessage> | undefined;
  private ending: 'released' | LockLostError | undefined;
  private controller: AbortController | undefined;

  constructor(
    readonly lease: Lease,
    readonly fencingToken: number,
    /** Since when it counts as held, by `clock`. */
    beganAt: number,
    private readonly clock: Clock,
  ) {
    this.beganAt = beganAt;
  }

  get name(): string {
    return this.lease.name;
  }

  get tenures(): readonly Tenure[] {
    return [this];
  }

  /** Compares clocks now, so that it is right even when this process stood still until a moment ago. */
  get isHeld(): boolean {
    return this.ending === undefined && this.lease.isHeld;
  }

  get isOnce(): boolean {
    return this.lease.isOnce;
  }

  get isReleased(): boolean {
    return this.ending === 'released';
  }

  /** Why it was lost, if it was. */
  get loss(): LockLostError | undefined {
    this.lease.checkDeadline();
    return this.ending instanceof LockLostError ? this.ending : undefined;
  }

  get remainingMs(): number {
    return this.isHeld ? this.lease.remainingMs : 0;
  }

  get heldMs(): number {
    return this.clock.now() - this.beganAt;
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

  /** Ends it quietly. False if it had ended before. */
  markReleased(): boolean {
    this.watched = undefined;
    if (!this.isHeld) return false;
    this.ending = 'released';
    return true;
  }

  /** It is given back, though some who have joined it may still be at work. */
  abortJoiners(): void {
    this.controller?.abort(new LockReleasedError(this.name));
  }

  /** Its lease is lost; `tell` comes before the signal's listeners. */
  lose(reason: LossReason, tell: (loss: LockLostError) => void): void {
    if (this.ending !== undefined) return;
    const loss = new LockLostError(this.name, this.fencingToken, reason);
    this.ending = loss;
    this.watched = undefined;
    try {
      tell(loss);
    } finally {
      this.controller?.abort(loss);
    }
  }
}
