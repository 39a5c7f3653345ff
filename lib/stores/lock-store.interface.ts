import type { Clock } from '../core/clock.js';

/**
 * Who holds a name, as it is told to others. Nothing in it is secret.
 *
 * @example
 * const { service, host, pid }: Holder = lease.holder;
 */
export interface Holder {
  /** The service's name, the module's `service` option. */
  readonly service: string;
  readonly host: string;
  readonly pid: number;
}

/**
 * A lease as its store records it.
 *
 * @example
 * const lease = await locks.inspect('invoice:42');
 * if (lease) console.log(lease.holder.service, lease.since, lease.remainingMs);
 */
export interface LeaseRecord {
  readonly holder: Holder;
  readonly fencingToken: number;
  /** When it was acquired, by the store's wall clock. */
  readonly since: Date;
  /** What is left of the lease, in milliseconds. */
  readonly remainingMs: number;
}

/**
 * Asks for a name on behalf of one owner, new for every acquire and every wait.
 *
 * @example
 * await store.acquire({ name: 'invoice:42', owner: randomUUID(), ttlMs: 30_000, holder });
 */
export interface AcquireRequest {
  readonly name: string;
  /** A secret that proves ownership; asking again with the same one is idempotent. */
  readonly owner: string;
  /** Whole milliseconds. */
  readonly ttlMs: number;
  readonly holder: Holder;
}

/**
 * What a store answers to an acquire: a lease, or the one that is in the way.
 *
 * @example
 * if (reply.status === 'granted') use(reply.fencingToken);
 */
export type AcquireReply =
  | { readonly status: 'granted'; readonly fencingToken: number }
  | { readonly status: 'busy'; readonly lease: LeaseRecord };

/**
 * Names a lease and proves its ownership: both the owner and the token are compared.
 *
 * @example
 * const claim: LeaseClaim = { name, owner, fencingToken };
 */
export interface LeaseClaim {
  readonly name: string;
  readonly owner: string;
  readonly fencingToken: number;
}

/**
 * A lease to be renewed, and for how long.
 *
 * @example
 * await store.renew([{ ...claim, ttlMs: 30_000 }]);
 */
export interface RenewRequest extends LeaseClaim {
  /** What the lease shall last from now, in whole milliseconds. */
  readonly ttlMs: number;
}

/**
 * - `renewed`: the lease is this owner's and lasts `ttlMs` from now.
 * - `expired`: nobody holds the name.
 * - `taken-over`: somebody else holds it.
 * - `forced`: it was taken away by `forceRelease`.
 *
 * @example
 * const [reply] = await store.renew([{ ...claim, ttlMs: 30_000 }]);
 */
export type RenewReply = 'renewed' | 'expired' | 'taken-over' | 'forced';

/**
 * A lease to be given back.
 *
 * @example
 * await store.release({ name, owner });
 */
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
 *
 * @example
 * if ((await lock.release()) === 'taken-over') logger.warn('somebody worked beside us');
 */
export type ReleaseOutcome = 'released' | 'expired' | 'taken-over';

/**
 * The one interface between locks and where leases are kept: every method is one atomic step.
 *
 * A rejection means that the step may or may not have been applied. A store applies no time
 * limit of its own and keeps no state about callers; both are the core's.
 *
 * @example
 * LockModule.forRoot({ store: new MyLockStore() })
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
  /** Renews leases of one renewal group at once; the replies stand in the order of the requests. */
  renew(requests: readonly RenewRequest[]): Promise<readonly RenewReply[]>;
  /**
   * Names of one group are renewed together, and fail together: a part of the store that is out of
   * reach must not cost the leases of another. All names are one group by default.
   */
  renewalGroupOf?(name: string): string;
  release(request: ReleaseRequest): Promise<ReleaseOutcome>;
  inspect(name: string): Promise<LeaseRecord | null>;
  /** Takes the lease from whoever holds it and tells who that was; the holder learns it as `forced`. */
  forceRelease(name: string): Promise<LeaseRecord | null>;
  /** Closes the connections that the store itself has made, and no other. */
  close(): Promise<void>;
}
