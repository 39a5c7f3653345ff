import type { LockLostError, LossReason } from '../lock.errors.js';
import type { LeaseRecord, NameKind, NodeStatus } from '../stores/lock-store.interface.js';
import type { OutcomeRecord } from '../stores/outcome.interface.js';

/**
 * What is done about an element whose outcome nobody knows: it is done again, left to a person, or
 * counts as done.
 *
 * @example
 * const decide = async (): Promise<OutcomeDecision> => ((await hasArrived()) ? 'processed' : 'retry');
 */
export type OutcomeDecision = 'retry' | 'hold' | 'processed';

interface LockEventOf<Type extends string> {
  readonly type: Type;
  readonly name: string;
}

interface HeldLockEventOf<Type extends string> extends LockEventOf<Type> {
  readonly fencingToken: number;
}

/**
 * A lock was given. Every such event is followed by exactly one `released`, `lost` or `release-failed`.
 *
 * @example
 * if (event.type === 'acquired') waits.record(event.waitedMs);
 */
export interface LockAcquiredEvent extends HeldLockEventOf<'acquired'> {
  /** From the call to the grant, in milliseconds. */
  readonly waitedMs: number;
}

/**
 * An acquire ended because somebody else holds the name.
 *
 * @example
 * if (event.type === 'busy') logger.debug(event.holder?.holder.host);
 */
export interface LockBusyEvent extends LockEventOf<'busy'> {
  readonly waitedMs: number;
  readonly holder: LeaseRecord | null;
}

/**
 * A lock was given back and was ours until then.
 *
 * @example
 * if (event.type === 'released') holds.record(event.heldMs);
 */
export interface LockReleasedEvent extends HeldLockEventOf<'released'> {
  readonly heldMs: number;
}

/**
 * A lock ended without its holder's doing.
 *
 * @example
 * if (event.type === 'lost') page(`${event.name}: ${event.reason}`);
 */
export interface LockLostEvent extends HeldLockEventOf<'lost'> {
  /** Whether it is a lock, or a permit of a semaphore of that name. */
  readonly kind: NameKind;
  readonly heldMs: number;
  readonly reason: LossReason;
  readonly error: LockLostError;
}

/**
 * The store did not confirm a release; it is repeated in the background, and the lease ends by itself.
 *
 * @example
 * if (event.type === 'release-failed') logger.warn(event.error);
 */
export interface LockReleaseFailedEvent extends HeldLockEventOf<'release-failed'> {
  readonly heldMs: number;
  readonly error: Error;
}

/**
 * A batch of renewals failed and will be tried again until the deadline of each lock.
 *
 * @example
 * if (event.type === 'renewal-failed') logger.warn(event.names.join());
 */
export interface LockRenewalFailedEvent {
  readonly type: 'renewal-failed';
  readonly names: readonly string[];
  readonly error: Error;
}

/**
 * Somebody of this process has taken the lock from its holder.
 *
 * @example
 * if (event.type === 'forced') audit(event.name, event.holder);
 */
export interface LockForcedEvent extends LockEventOf<'forced'> {
  readonly holder: LeaseRecord;
}

/**
 * A handle was garbage-collected without being released; the lock is released now.
 *
 * @example
 * if (event.type === 'leaked') logger.warn(event.stack);
 */
export interface LockLeakedEvent extends HeldLockEventOf<'leaked'> {
  /** Where the lock was taken, if the module's option `leakStacks` is set. */
  readonly stack?: string | undefined;
}

/**
 * A `compensate` function failed after its handler had failed too; the handler's error was thrown.
 *
 * @example
 * if (event.type === 'compensation-failed') page(event.error);
 */
export interface LockCompensationFailedEvent extends HeldLockEventOf<'compensation-failed'> {
  readonly error: unknown;
}

/**
 * `compensate` has taken care of a loss; the call gave what it returned.
 *
 * @example
 * if (event.type === 'compensated') audit(event.name, event.reason);
 */
export interface LockCompensatedEvent extends HeldLockEventOf<'compensated'> {
  readonly reason: LossReason;
}

/**
 * An element is marked as processed.
 *
 * @example
 * if (event.type === 'processed' && event.isLate) page(`${event.name} may have been done twice`);
 */
export interface ElementProcessedEvent extends HeldLockEventOf<'processed'> {
  readonly job: string;
  /** Its lock was lost before it was done: somebody else may be at it, or have done it, too. */
  readonly isLate: boolean;
}

/**
 * An element was met that somebody began and whose end was never told, and this is done about it.
 *
 * @example
 * if (event.type === 'outcome-unknown' && event.decision === 'hold') page(event.name);
 */
export interface OutcomeUnknownEvent extends LockEventOf<'outcome-unknown'> {
  readonly job: string;
  readonly record: OutcomeRecord;
  readonly decision: OutcomeDecision;
}

/**
 * A decorated method did not run, though it was called: somebody else is at it, or it is done.
 *
 * @example
 * if (event.type === 'skipped' && event.isMissed) page(`${event.name} still ran from a tick before`);
 */
export interface LockSkippedEvent extends LockEventOf<'skipped'> {
  readonly reason: 'busy' | 'processed';
  /** Who has it, or had it when it was done. */
  readonly holder: LeaseRecord['holder'] | null;
  /**
   * Nobody runs it this time: who has it began before `minHold` ago, so at an earlier call.
   * Only with `minHold`.
   */
  readonly isMissed: boolean;
}

/**
 * The store cannot tell of hand-overs: those that wait ask for themselves, and again and again.
 *
 * @example
 * if (event.type === 'polling') logger.warn(event.error);
 */
export interface LockPollingEvent {
  readonly type: 'polling';
  readonly error: Error;
}

/**
 * A node of several votes from now on, or does not any more; `state` and `reason` tell why.
 *
 * @example
 * if (event.type === 'node' && event.state !== 'voting') logger.warn(`${event.node}: ${event.state}`);
 */
export interface LockNodeEvent extends NodeStatus {
  readonly type: 'node';
}

/**
 * Somebody declared another number of permits than before; the last number counts, for everybody.
 *
 * @example
 * if (event.type === 'permits-changed') logger.warn(`${event.formerPermits} → ${event.permits}`);
 */
export interface LockPermitsChangedEvent extends LockEventOf<'permits-changed'> {
  readonly permits: number;
  readonly formerPermits: number;
}

/**
 * All that happens to the locks of one service, in order.
 *
 * @example
 * locks.events$.pipe(filter((event) => event.type === 'lost')).subscribe(alertSomebody);
 */
export type LockEvent =
  | LockAcquiredEvent
  | LockBusyEvent
  | LockReleasedEvent
  | LockLostEvent
  | LockReleaseFailedEvent
  | LockRenewalFailedEvent
  | LockForcedEvent
  | LockLeakedEvent
  | LockCompensationFailedEvent
  | LockCompensatedEvent
  | ElementProcessedEvent
  | OutcomeUnknownEvent
  | LockSkippedEvent
  | LockPollingEvent
  | LockNodeEvent
  | LockPermitsChangedEvent;

/**
 * Where the core tells what happens; it must not throw.
 *
 * @example
 * const sink: LockEventSink = (event) => logger.debug(event.type);
 */
export type LockEventSink = (event: LockEvent) => void;
