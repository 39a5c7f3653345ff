import type { Clock } from '../core/clock.js';

/** Who holds a name, as it is told to others. Nothing in it is secret. */
export interface Holder {
  /** The service's name, the module's `service` option. */
  readonly service: string;
  readonly host: string;
  readonly pid: number;
}

/** A lease as its store records it. */
export interface LeaseRecord {
  readonly holder: Holder;
  readonly fencingToken: number;
  /** When it was acquired, by the store's wall clock. */
  readonly since: Date;
  /** What is left of the lease, in milliseconds. */
  readonly remainingMs: number;
}

/** Asks for a name on behalf of one owner, new for every acquire and every wait. */
export interface AcquireRequest {
  readonly name: string;
  /** A secret that proves ownership; asking again with the same one is idempotent. */
  readonly owner: string;
  /** Whole milliseconds. */
  readonly ttlMs: number;
  readonly holder: Holder;
}

export type AcquireReply =
  | { readonly status: 'granted'; readonly fencingToken: number }
  | { readonly status: 'busy'; readonly lease: LeaseRecord };

/** Names a lease and proves its ownership: both the owner and the token are compared. */
export interface LeaseClaim {
  readonly name: string;
  readonly owner: string;
  readonly fencingToken: number;
}

export interface RenewRequest extends LeaseClaim {
  /** What the lease shall last from now, in whole milliseconds. */
  readonly ttlMs: number;
}

/**
 * - `renewed`: the lease is this owner's and lasts `ttlMs` from now.
 * - `expired`: nobody holds the name.
 * - `taken-over`: somebody else holds it.
 * - `forced`: it was taken away by `forceRelease`.
 */
export type RenewReply = 'renewed' | 'expired' | 'taken-over' | 'forced';

export interface ReleaseRequest {
  readonly name: string;
  readonly owner: string;
  /** Left out when no reply ever told it: then whatever this owner holds is released. */
  readonly fencingToken?: number;
}

/**
 * What a release found.
 *
 * - `released`: the lease was ours and is gone.
 * - `expired`: nobody held the name any more (or it was released before).
 * - `taken-over`: somebody else holds it, and goes on holding it.
 */
export type ReleaseOutcome = 'released' | 'expired' | 'taken-over';

/**
 * The one interface between locks and where leases are kept: every method is one atomic step.
 *
 * A rejection means that the step may or may not have been applied. A store applies no time
 * limit of its own and keeps no state about callers; both are the core's.
 */
export interface LockStore {
  /** What messages call it, such as `Redis at localhost:6379`; never a password. */
  readonly description: string;
  /** What whoever runs the application should know about this store; logged once at start. */
  readonly notices: readonly string[];
  /** Why the store is out of reach at the moment, if it knows. */
  readonly lastError?: Error | undefined;
  /** The clock by which this store's leases are counted; the system's monotonic one by default. */
  readonly clock?: Clock;
  /** Resolves once the store can be written to; rejects with the reason why not. */
  connect(): Promise<void>;
  acquire(request: AcquireRequest): Promise<AcquireReply>;
  /** Renews many leases at once; the replies stand in the order of the requests. */
  renew(requests: readonly RenewRequest[]): Promise<readonly RenewReply[]>;
  release(request: ReleaseRequest): Promise<ReleaseOutcome>;
  inspect(name: string): Promise<LeaseRecord | null>;
  /** Takes the lease from whoever holds it and tells who that was; the holder learns it as `forced`. */
  forceRelease(name: string): Promise<LeaseRecord | null>;
  /** Closes the connections that the store itself has made, and no other. */
  close(): Promise<void>;
}
