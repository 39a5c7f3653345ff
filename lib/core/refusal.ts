import { FingerprintError, OutcomeUnknownError } from '../lock.errors.js';
import type { AcquireReply } from '../stores/lock-store.interface.js';
import type { OutcomeRecord } from '../stores/outcome.interface.js';

/** Why an element is not given to be done, though its name may be free. */
export type Refusal = Extract<AcquireReply, { status: 'processed' | 'unknown' | 'mismatch' }>;

/** The element is processed already; users are told by a replay, or by `false`. */
export class AlreadyProcessedError extends Error {
  constructor(readonly record: OutcomeRecord) {
    super(`"${record.name}" is processed already.`);
  }
}

export function refusalOf({ status, record }: Refusal): Error {
  switch (status) {
    case 'processed':
      return new AlreadyProcessedError(record);
    case 'unknown':
      return new OutcomeUnknownError(record);
    case 'mismatch':
      return new FingerprintError(record);
  }
}
