import { channel, tracingChannel } from 'node:diagnostics_channel';
import type { NodeStatus, ReleaseOutcome, RenewReply } from '../stores/lock-store.interface.js';
import type { LockChannel, LockTracingChannel } from './tracing-channel.js';

/** What the messages of all operations have; `durationMs` and what follows it are there at the end. */
interface OperationMessage<Result> {
  /** The module's option `service`. */
  readonly service: string;
  /** How long it took, in milliseconds. */
  durationMs?: number;
  result?: Result;
  /** Why it failed; there is no `result` then. */
  error?: unknown;
}

/** Of whom, and what: never an owner, which is a secret. */
interface LockOperationMessage<Result> extends OperationMessage<Result> {
  readonly mode: LockMode;
  /** One text for all names of a kind, such as `invoice:<id>`: a decorator's template, a job, or the option `label`. */
  readonly label: string | undefined;
}

/**
 * Whether others may hold the same at a time: permits of a semaphore, and shared locks.
 *
 * @example
 * const mode: LockMode = lock.mode;
 */
export type LockMode = 'exclusive' | 'shared' | 'permit';

/**
 * A lock is asked for: from the call until it is given or refused. What joins a lock that is there is
 * not told.
 *
 * @example
 * lockChannels.acquire.subscribe({ asyncEnd: ({ label, durationMs }) => record(label, durationMs) });
 */
export interface AcquireMessage extends LockOperationMessage<readonly GrantedName[]> {
  readonly names: readonly string[];
  /** How long it may wait, in milliseconds. */
  readonly waitMs: number;
}

/**
 * A name that was given, and the token that it was given with.
 *
 * @example
 * const [{ name, fencingToken }] = message.result!;
 */
export interface GrantedName {
  readonly name: string;
  readonly fencingToken: number;
}

/**
 * Somebody else has the name: from when that is known until the wait ends. The `result` is `undefined`.
 *
 * @example
 * lockChannels.wait.start.subscribe(({ name }) => waiting.add(name));
 */
export interface WaitMessage extends LockOperationMessage<undefined> {
  readonly name: string;
  /** In the queue, when the wait began; 1 is next. */
  readonly place: number;
  /** The call that waits, if it was heard. */
  readonly acquire: AcquireMessage | undefined;
}

/**
 * A lock is held: from when it is given until its end is known. A lost one ends with an `error`, a
 * `LockLostError`; one whose release nobody confirmed with a `LockStoreError`.
 *
 * @example
 * lockChannels.hold.error.subscribe(({ name }) => page(name));
 */
export interface HoldMessage extends LockOperationMessage<'released' | 'detached'> {
  readonly name: string;
  readonly fencingToken: number;
  /** The call that it was given to, if that was heard. What is attached has none. */
  readonly acquire: AcquireMessage | undefined;
}

/**
 * A batch of leases is renewed. It fails if nothing could be learnt of any of them, and is tried again.
 *
 * @example
 * lockChannels.renew.subscribe({ asyncEnd: ({ renewals }) => record(renewals) });
 */
export interface RenewMessage extends OperationMessage<undefined> {
  readonly renewals: readonly RenewedLease[];
}

/**
 * One lease of a batch.
 *
 * @example
 * if (renewal.headroomMs! < renewal.ttlMs / 3) logger.warn(`${renewal.name}: close`);
 */
export interface RenewedLease extends Pick<LockOperationMessage<unknown>, 'mode' | 'label'> {
  readonly name: string;
  readonly fencingToken: number;
  readonly ttlMs: number;
  /** When the answer came: how long the lock would still have been sure to be held without it; 0 if it was lost. */
  headroomMs?: number;
  reply?: RenewReply;
}

/**
 * A lock is given back: to the store, or to the next caller of this process.
 *
 * @example
 * lockChannels.release.subscribe({ asyncEnd: ({ result }) => count(result) });
 */
export interface ReleaseMessage extends LockOperationMessage<ReleaseOutcome> {
  readonly name: string;
  readonly fencingToken: number;
}

/**
 * Something is to be done once: from the question whether it is done until its end. What was done
 * although its lock was lost ends as `executed`, with the `error`.
 *
 * @example
 * lockChannels.once.subscribe({ asyncEnd: ({ job, result }) => count(job, result) });
 */
export interface OnceMessage extends OperationMessage<OnceEnding> {
  readonly name: string;
  readonly job: string;
  /** As that of its lock; the job if nothing else tells it, and the job is not the name itself. */
  readonly label: string | undefined;
}

/**
 * How it ended: done now, or before; left to who is at it; held back, or ended with nobody knowing;
 * or not done, and open again.
 *
 * @example
 * const isDone = ending === 'executed' || ending === 'replayed';
 */
export type OnceEnding = 'executed' | 'replayed' | 'busy' | 'unknown' | 'failed';

/**
 * A question to the store failed, or one of several nodes does not vote any more.
 *
 * @example
 * lockChannels.nodeError.subscribe(({ node, reason }) => logger.warn(`${node}: ${reason}`));
 */
export interface NodeErrorMessage {
  /** Such as `Redis at redis-1:6379`; never a password. */
  readonly node: string;
  /** `timeout` and `failed` of a question; of a node, what it is now. */
  readonly reason: 'timeout' | 'failed' | Exclude<NodeStatus['state'], 'voting' | 'blank'>;
  readonly error: Error | null;
}

/**
 * A storage has refused a stale fencing token: only that has kept a late holder from writing.
 *
 * @example
 * lockChannels.fenceRejected.subscribe(({ resource }) => audit(resource));
 */
export interface FenceRejectedMessage {
  readonly storage: 'sql' | 'redis' | 'http' | 'object-store';
  readonly resource: string;
  readonly fencingToken: number;
  readonly newestToken: number | null;
}

/** Node gives a channel of the same name to everybody. */
const traced = <Message extends object>(operation: string): LockTracingChannel<Message> =>
  tracingChannel(`nestjs-locker:${operation}`) as unknown as LockTracingChannel<Message>;

const plain = <Message extends object>(what: string): LockChannel<Message> =>
  channel(`nestjs-locker:${what}`) as unknown as LockChannel<Message>;

/**
 * The channels of `node:diagnostics_channel` that locks are told on, as
 * `tracingChannel('nestjs-locker:acquire')` and so on. Unheard, they cost nothing.
 *
 * They are of the whole process. A message is one object from its start to its end.
 *
 * @example
 * lockChannels.acquire.subscribe({
 *   asyncEnd: ({ names, durationMs }) => logger.debug(`${names} after ${durationMs} ms`),
 * });
 */
export const lockChannels = {
  acquire: traced<AcquireMessage>('acquire'),
  wait: traced<WaitMessage>('wait'),
  hold: traced<HoldMessage>('hold'),
  renew: traced<RenewMessage>('renew'),
  release: traced<ReleaseMessage>('release'),
  once: traced<OnceMessage>('once'),
  nodeError: plain<NodeErrorMessage>('node-error'),
  fenceRejected: plain<FenceRejectedMessage>('fence-rejected'),
} as const;
