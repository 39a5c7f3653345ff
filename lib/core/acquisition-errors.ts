import { LockBusyError, LockStoreError, LockTimeoutError } from '../lock.errors.js';
import type { LeaseRecord } from '../stores/lock-store.interface.js';

/** Somebody else has the name, and nobody wanted to wait. */
export function busyError(name: string, lease: LeaseRecord | null): LockBusyError {
  return new LockBusyError(`The lock "${name}" is ${inTheWay(lease)}.`, name, lease);
}

/** The wait is over. */
export function timeoutError(
  name: string,
  lease: LeaseRecord | null,
  waitedMs: number,
  place: number | null,
): LockTimeoutError {
  const message = `The lock "${name}" was not given within ${Math.round(waitedMs)} ms: it is ${inTheWay(lease)}.`;
  return new LockTimeoutError(message, name, lease, waitedMs, place);
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

function inTheWay(lease: LeaseRecord | null): string {
  if (!lease) return 'waited for by other callers';
  const { holder, since } = lease;
  return `held by ${holder.service} (${holder.host}, pid ${holder.pid}) since ${since.toISOString()}`;
}
