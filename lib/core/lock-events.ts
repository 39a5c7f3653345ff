import type { LockLostError, LossReason } from '../lock.errors.js';
import type { LeaseRecord } from '../stores/lock-store.interface.js';

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
  | LockPollingEvent
  | LockPermitsChangedEvent;

/**
 * Where the core tells what happens; it must not throw.
 *
 * @example
 * const sink: LockEventSink = (event) => logger.debug(event.type);
 */
export type LockEventSink = (event: LockEvent) => void;
