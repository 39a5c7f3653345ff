import type { LockLostError, LossReason } from '../lock.errors.js';
import type { LeaseRecord } from '../stores/lock-store.interface.js';

interface LockEventOf<Type extends string> {
  readonly type: Type;
  readonly name: string;
}

interface HeldLockEventOf<Type extends string> extends LockEventOf<Type> {
  readonly fencingToken: number;
}

/** A lock was given. Every such event is followed by exactly one `released`, `lost` or `release-failed`. */
export interface LockAcquiredEvent extends HeldLockEventOf<'acquired'> {
  /** From the call to the grant, in milliseconds. */
  readonly waitedMs: number;
}

/** An acquire ended because somebody else holds the name. */
export interface LockBusyEvent extends LockEventOf<'busy'> {
  readonly waitedMs: number;
  readonly holder: LeaseRecord | null;
}

/** A lock was given back and was ours until then. */
export interface LockReleasedEvent extends HeldLockEventOf<'released'> {
  readonly heldMs: number;
}

/** A lock ended without its holder's doing. */
export interface LockLostEvent extends HeldLockEventOf<'lost'> {
  readonly heldMs: number;
  readonly reason: LossReason;
  readonly error: LockLostError;
}

/** The store did not confirm a release; it is repeated in the background, and the lease ends by itself. */
export interface LockReleaseFailedEvent extends HeldLockEventOf<'release-failed'> {
  readonly heldMs: number;
  readonly error: Error;
}

/** A batch of renewals failed and will be tried again until the deadline of each lock. */
export interface LockRenewalFailedEvent {
  readonly type: 'renewal-failed';
  readonly names: readonly string[];
  readonly error: Error;
}

/** Somebody of this process has taken the lock from its holder. */
export interface LockForcedEvent extends LockEventOf<'forced'> {
  readonly holder: LeaseRecord;
}

/** A handle was garbage-collected without being released; the lock is released now. */
export interface LockLeakedEvent extends HeldLockEventOf<'leaked'> {
  /** Where the lock was taken, if the module's option `leakStacks` is set. */
  readonly stack?: string | undefined;
}

/** A `compensate` function failed after its handler had failed too; the handler's error was thrown. */
export interface LockCompensationFailedEvent extends HeldLockEventOf<'compensation-failed'> {
  readonly error: unknown;
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
  | LockCompensationFailedEvent;

/** Where the core tells what happens; it must not throw. */
export type LockEventSink = (event: LockEvent) => void;
