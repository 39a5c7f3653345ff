import type { Clock } from '../core/clock.js';
import type { StoreSurvey, SurveyRequest } from './survey.interface.js';
import type { ReportStore } from './report.interface.js';
import type { OnceRequest, Outcome, OutcomeRecord, OutcomeStore } from './outcome.interface.js';

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
  /** The first token of the lease; callers of one process that pass it on have the next ones. */
  readonly fencingToken: number;
  /** When it was acquired, by the store's wall clock. */
  readonly since: Date;
  /** What is left of the lease, in milliseconds. */
  readonly remainingMs: number;
  /** How many permits of a semaphore it holds; 0 is all there is, an exclusive lock. */
  readonly units: number;
  /** Over several nodes: how many have it, of those that could be asked, and of all. */
  readonly nodes?: { readonly have: number; readonly asked: number; readonly all: number };
}

/**
 * All that a store knows of one name.
 *
 * @example
 * const { holders, waiting }: NameRecord = await store.inspect({ name: 'invoice:42', kind: 'lock' });
 */
export interface NameRecord {
  /** Those that hold it, the earliest first. */
  readonly holders: readonly LeaseRecord[];
  /** How many wait for it; callers of one process count once. */
  readonly waiting: number;
  /** The last declared number of a semaphore's permits; 0 where there is none. */
  readonly permits: number;
}

/**
 * One that waits for a name: a process, for one of its callers or several.
 *
 * @example
 * const [first] = await locks.overview.queueOf({ name: 'invoice:42', kind: 'lock' });
 */
export interface Waiter {
  readonly holder: Holder;
  /** Permits of a semaphore, 1 for a shared lock, 0 for an exclusive one. */
  readonly units: number;
}

/**
 * What is named: locks and semaphores of the same name have nothing to do with each other.
 *
 * @example
 * const kind: NameKind = 'semaphore';
 */
export type NameKind = 'lock' | 'semaphore';

/**
 * A name of its kind.
 *
 * @example
 * const subject: Subject = { name: 'tax-authority', kind: 'semaphore' };
 */
export interface Subject {
  readonly name: string;
  readonly kind: NameKind;
}

/**
 * How much of a name is asked for.
 *
 * @example
 * const share: Share = { units: 1, permits: 4 };
 */
export interface Share {
  /** Permits of a semaphore, 1 for a shared lock, 0 for all there is: an exclusive one. */
  readonly units: number;
  /** How many permits the semaphore has; 0 for locks, which any number may share. */
  readonly permits: number;
}

/**
 * An entry in the queue of a name, valid for `claimMs` and then registered again.
 *
 * @example
 * const registration: Registration = { number: 2, claimMs: 3_000, tokens: 64 };
 */
export interface Registration {
  /**
   * 1 for the first of a wait, never used twice within one: a grant by hand-over tells the number that
   * it rests on, and so from when on it counts.
   */
  readonly number: number;
  /** How long it is valid, and how long a lease given by hand-over lasts until it is renewed. */
  readonly claimMs: number;
  /** How many tokens are of use when its turn has come: more callers may have come by then. */
  readonly tokens: number;
}

/**
 * Asks for a name on behalf of one owner, new for every acquire and every wait.
 *
 * @example
 * await store.acquire({
 *   name: 'invoice:42', kind: 'lock', units: 0, permits: 0, tokens: 1,
 *   owner: randomUUID(), ttlMs: 30_000, holder,
 * });
 */
export interface AcquireRequest extends Subject, Share {
  /** A secret that proves ownership; asking again with the same one is idempotent. */
  readonly owner: string;
  /** Whole milliseconds. */
  readonly ttlMs: number;
  /** How many tokens in a row are of use if it is given at once, at most 64; fewer may be given. */
  readonly tokens: number;
  readonly holder: Holder;
  /** Enters the queue if the name is not free, or renews the place there. Left out by who does not wait. */
  readonly registration?: Registration | undefined;
  /** Its element is to be done once: records that it is begun, unless it is done already. */
  readonly once?: OnceRequest | undefined;
}

/**
 * A lease that was given: its token, and the last of the block that follows.
 *
 * @example
 * const grant: Grant = { fencingToken: 1, lastToken: 1, isWaitedFor: false };
 */
export interface Grant {
  readonly fencingToken: number;
  readonly lastToken: number;
  /** Whether others stand in the queue. */
  readonly isWaitedFor: boolean;
  /** As whom it was given, where that is another owner than the one who asked: this attempt of its. */
  readonly owner?: string;
}

/**
 * What a store answers to an acquire: a lease, or what is in the way.
 *
 * A lease lasts `ttlMs` if it was asked for without a registration or with the first one, else the
 * registration's `claimMs`.
 *
 * @example
 * if (reply.status === 'granted') use(reply.fencingToken);
 */
export type AcquireReply =
  | (Grant & {
      readonly status: 'granted';
      /** What an earlier attempt has left behind, whose outcome nobody knows. */
      readonly unknown?: OutcomeRecord | undefined;
      /** What the semaphore's permits were until this request declared another number. */
      readonly formerPermits?: number | undefined;
    })
  | {
      readonly status: 'busy';
      /** Of those in the way, the one that ends first; `null` if the name is free but waited for. */
      readonly lease: LeaseRecord | null;
      /** The asker's place in the queue: 1 is next, 0 if it does not stand there. */
      readonly place: number;
      readonly formerPermits?: number | undefined;
    }
  | {
      /** It is not to be done: it is done, its outcome is unknown, or it was begun with another fingerprint. */
      readonly status: 'processed' | 'unknown' | 'mismatch';
      readonly record: OutcomeRecord;
      readonly formerPermits?: undefined;
    };

/**
 * A lease that somebody who gave it up has handed over; it lasts the registration's `claimMs` from
 * some moment after that registration was sent.
 *
 * @example
 * const onHandOver = ({ owner, registrationNumber }: HandOver) => waits.get(owner);
 */
export interface HandOver extends Grant {
  readonly owner: string;
  readonly registrationNumber: number;
}

/**
 * What a store tells by itself to those that wait.
 *
 * @example
 * store.listen?.({ onHandOver: start, onFreed: ask, onReconnect: askAgain, onSilence: report });
 */
export interface HandOverListener {
  onHandOver(handOver: HandOver): void;
  /** A name became free, and goes to whoever asks first. */
  onFreed(name: string): void;
  /** Hand-overs may have been missed, or can be told from now on: it is worth asking again. */
  onReconnect(): void;
  /** Hand-overs cannot be told, now and for good: those that wait have to ask. */
  onSilence(reason: Error): void;
}

/**
 * Names a lease and proves its ownership: both the owner and the token are compared.
 *
 * @example
 * const claim: LeaseClaim = { name, kind: 'lock', owner, fencingToken };
 */
export interface LeaseClaim extends Subject {
  readonly owner: string;
  /** The lease's first. */
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
 * A lease that goes to another owner, maybe in another process: whoever proves the old one first.
 *
 * @example
 * await store.transfer({ ...claim, newOwner: randomUUID(), ttlMs: 30_000, holder });
 */
export interface TransferRequest extends RenewRequest {
  readonly newOwner: string;
  readonly holder: Holder;
}

/**
 * A renewal that counts on how many replicas it has arrived.
 *
 * @example
 * const request: ReplicateRequest = { ...claim, ttlMs: 30_000, replicas: 1, timeoutMs: 500 };
 */
export interface ReplicateRequest extends RenewRequest {
  /** After how many acknowledgements it need wait no longer. */
  readonly replicas: number;
  /** How long it waits for them. */
  readonly timeoutMs: number;
}

/**
 * What became of a renewal, and how many replicas have acknowledged it.
 *
 * @example
 * const { reply, acknowledged }: ReplicateReply = await store.replicate!(request);
 */
export interface ReplicateReply {
  readonly reply: DecidedReply;
  readonly acknowledged: number;
}

/**
 * - `renewed`: the lease is this owner's and lasts `ttlMs` from now.
 * - `contended`: the same, and others wait for it.
 * - `expired`: nobody holds the name.
 * - `taken-over`: somebody else holds it.
 * - `forced`: it was taken away by `forceRelease`.
 * - `undecided`: too few nodes have answered to tell; to be asked again.
 *
 * @example
 * const [reply] = await store.renew([{ ...claim, ttlMs: 30_000 }]);
 */
export type RenewReply =
  'renewed' | 'contended' | 'expired' | 'taken-over' | 'forced' | 'undecided';

/**
 * A reply that tells what became of the lease.
 *
 * @example
 * const reply: DecidedReply = 'renewed';
 */
export type DecidedReply = Exclude<RenewReply, 'undecided'>;

/**
 * What a node of a store over several nodes is at the moment.
 *
 * - `voting`: its votes count.
 * - `unreachable`: no connection stands; `error` tells why.
 * - `silent`: it owes an answer for longer than `nodeTimeout`.
 * - `quarantined`: it was restarted or emptied, or its clock jumped (`reason`): its votes do not count for another
 *   `votesInMs`, until every lease that rests on them has ended.
 * - `skewed`: its clock is more than a second away from that of most nodes.
 * - `suspect`: its clock seems to have jumped, and the others are being asked.
 * - `blank`: it is new, and a first deployment is being prepared.
 *
 * @example
 * const late = locks.nodes().filter(({ state }) => state !== 'voting');
 */
export interface NodeStatus {
  /** Such as `Redis at redis-1:6379`; never a password. */
  readonly node: string;
  readonly state:
    'voting' | 'unreachable' | 'silent' | 'quarantined' | 'skewed' | 'suspect' | 'blank';
  readonly reason: 'restarted' | 'emptied' | 'clock-jump' | null;
  readonly votesInMs: number | null;
  /** Its wall clock against this machine's, in ms; `null` while it is unknown. */
  readonly clockOffsetMs: number | null;
  readonly error: Error | null;
}

/**
 * What a store over several nodes tells by itself.
 *
 * @example
 * store.watch?.({ onDoubt: renewAll, onNode: ({ node, state }) => logger.warn(`${node}: ${state}`) });
 */
export interface StoreWatcher {
  /** Votes that leases rest on may be void: each has to be confirmed, or is lost. */
  onDoubt(): void;
  /** A node came, went or votes no more. */
  onNode(status: NodeStatus): void;
}

/**
 * A lease to be given back, or a wait to be given up.
 *
 * @example
 * await store.release({ name, kind: 'lock', owner });
 */
export interface ReleaseRequest extends Subject {
  readonly owner: string;
  /** Left out when no reply ever told it: then whatever this owner holds is released. */
  readonly fencingToken?: number | undefined;
  /** How long the name stays taken at least, counted from its acquisition. */
  readonly minHoldMs?: number | undefined;
  /** By its holder's clock it had not ended when it was given back; for what the store cannot tell by itself. */
  readonly wasHeld?: boolean | undefined;
  /** Of a lease that was asked for with `once`: what became of its element. Left out, it stays as it is. */
  readonly outcome?: Outcome | undefined;
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
 * Whenever a name becomes free, it goes to the first of its queue whose registration is valid and
 * who can be told, in the same step; nobody who comes later takes it past the queue.
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
  /** How long a lease may last at most; any time by default. */
  readonly maxTtlMs?: number;
  /** Why it has no semaphores, or no shared locks, if it has none: both are refused with that reason. */
  readonly refusals?: { readonly semaphores?: string; readonly sharedLocks?: string };
  /** The clock by which this store's leases are counted; the system's monotonic one by default. */
  readonly clock?: Clock;
  /** Resolves once the store can be written to; rejects with the reason why not. */
  connect(): Promise<void>;
  /** From the first call on it tells of hand-overs. Called before anybody waits. */
  listen?(listener: HandOverListener): void;
  /** Whether it tells of a name's hand-overs at the moment; where it does not, those that wait ask often. */
  tellsHandOvers?(name: string): boolean;
  /** From the first call on it tells of its nodes. */
  watch?(watcher: StoreWatcher): void;
  /** What its nodes are at the moment, where it has several. */
  nodes?(): readonly NodeStatus[];
  /** Grants the name, or answers that it is busy; with a wait, its place in the queue is taken in the same step. */
  acquire(request: AcquireRequest): Promise<AcquireReply>;
  /** Renews leases of one renewal group at once; the replies stand in the order of the requests. */
  renew(requests: readonly RenewRequest[]): Promise<readonly RenewReply[]>;
  /**
   * Names of one group are renewed together, and fail together: a part of the store that is out of
   * reach must not cost the leases of another. All names are one group by default.
   */
  renewalGroupOf?(name: string): string;
  /** Renews a lease and waits for replicas; a store that has none leaves it out. */
  replicate?(request: ReplicateRequest): Promise<ReplicateReply>;
  /** Gives a lease to a new owner and renews it, in one step; the former owner has nothing any more. */
  transfer(request: TransferRequest): Promise<RenewReply>;
  /** This owner's lease goes to another one by `transfer`: whatever is still being done for this one is to end. */
  detached?(owner: string): void;
  /** Gives up whatever the owner has or waits for, and hands the name over. */
  release(request: ReleaseRequest): Promise<ReleaseOutcome>;
  /** Who holds the name and who waits for it, without changing anything. */
  inspect(subject: Subject): Promise<NameRecord>;
  /** Who waits for a name, first to last; a store without a queue of its own leaves it out. */
  queueOf?(subject: Subject, limit: number): Promise<readonly Waiter[]>;
  /**
   * Takes the lease with this token, or every lease, and tells who had them; the holders learn it as
   * `forced`, and the name is handed over.
   */
  forceRelease(subject: Subject, fencingToken?: number): Promise<readonly LeaseRecord[]>;
  /** Outcomes of what is done once; a store without them refuses `once`. */
  readonly outcomes?: OutcomeStore;
  /** What the processes tell of themselves; a store without it shows nobody what is held. */
  readonly reports?: ReportStore;
  /** Looks at the servers that it stands on, each within the time limit; never rejects. */
  survey?(request: SurveyRequest): Promise<StoreSurvey>;
  /** Closes the connections that the store itself has made, and no other. */
  close(): Promise<void>;
}
