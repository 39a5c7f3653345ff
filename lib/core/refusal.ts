import { AlreadyProcessedError, FingerprintError, OutcomeUnknownError } from '../lock.errors.js';
import type { AcquireReply } from '../stores/lock-store.interface.js';

/** Why an element is not given to be done, though its name may be free. */
export type Refusal = Extract<AcquireReply, { status: 'processed' | 'unknown' | 'mismatch' }>;

export function refusalOf({ status, record }: Refusal) {
  switch (status) {
    case 'processed':
      return new AlreadyProcessedError(record);
    case 'unknown':
      return new OutcomeUnknownError(record);
    case 'mismatch':
      return new FingerprintError(record);
  }
}
