import { LockBusyError, LockStoreError, LockTimeoutError } from '../lock.errors.js';
import type { LeaseRecord, NameKind, Subject } from '../stores/lock-store.interface.js';
import { holderText } from './holder-text.js';

/** Somebody else has the name, and nobody wanted to wait. */
export function busyError({ name, kind }: Subject, lease: LeaseRecord | null): LockBusyError {
  const message = `The ${kind} "${name}" is ${inTheWay(lease, kind)}.`;
  return new LockBusyError(message, name, lease, kind);
}

/** The wait is over. */
export function timeoutError(
  { name, kind }: Subject,
  lease: LeaseRecord | null,
  waitedMs: number,
  place: number | null,
): LockTimeoutError {
  const within = `within ${Math.round(waitedMs)} ms`;
  const message = `The ${kind} "${name}" was not given ${within}: it is ${inTheWay(lease, kind)}.`;
  return new LockTimeoutError(message, name, lease, waitedMs, place, kind);
}

export function tooFewReplicas(
  name: string,
  acknowledged: number,
  replicas: number,
): LockStoreError {
  return new LockStoreError(
    `The lock "${name}" is not given: ${acknowledged} of ${replicas} replicas have acknowledged it. ` +
      'Look at the replicas, or ask for fewer with "minReplicas".',
  );
}

function inTheWay(lease: LeaseRecord | null, kind: NameKind): string {
  if (!lease) return 'waited for by other callers';
  const { holder, since } = lease;
  return `${kind === 'semaphore' ? 'full: a permit is ' : ''}held by ${holderText(holder)} since ${since.toISOString()}`;
}
