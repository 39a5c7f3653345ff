import type { LossReason } from '../lock.errors.js';

/** Not by class: a process may have loaded the package twice. */
const RESULTS: Readonly<Record<string, string>> = {
  LOCK_BUSY: 'busy',
  LOCK_TIMEOUT: 'timeout',
  LOCK_ABORTED: 'aborted',
  LOCK_STORE_UNREACHABLE: 'unreachable',
  LOCK_DRAINING: 'draining',
  LOCK_LOST: 'lost',
  LOCK_OUTCOME_UNKNOWN: 'unknown',
  LOCK_FINGERPRINT: 'mismatch',
};

export const REASONS_OF_LOSS = Object.keys({
  deadline: 0,
  expired: 0,
  'taken-over': 0,
  forced: 0,
  'max-hold': 0,
  'not-renewed': 0,
  shutdown: 0,
} satisfies Record<LossReason, 0>);

/** How an operation ended, as one of a few words. */
export function resultOf(error: unknown, success: string): string {
  if (error === undefined) return success;
  const { code, record } = asObject(error);
  const known = typeof code === 'string' ? RESULTS[code] : undefined;
  // What is done already has no code of its own: no caller gets it as an error.
  return known ?? (record === undefined ? 'failed' : 'processed');
}

/** Why a lock was lost, if that is what the error tells. */
export function reasonOf(error: unknown): string | undefined {
  const { code, reason } = asObject(error);
  return code === 'LOCK_LOST' && typeof reason === 'string' ? reason : undefined;
}

function asObject(error: unknown): { code?: unknown; reason?: unknown; record?: unknown } {
  return typeof error === 'object' && error !== null ? error : {};
}
