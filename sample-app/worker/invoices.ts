import { Job } from '../../lib/index.ts';
import type { Invoice } from './invoice.interface.ts';

/** Issuing invoices, once each: everybody who has to do with it imports this. */
export const INVOICES = new Job<Invoice>({
  name: 'invoice',
  id: (invoice) => invoice.number,

  /** The authority wants no more than four at a time, from all replicas together. */
  concurrency: 4,

  /** Longer than any replica may still take an issued invoice for pending. */
  retention: '1 day',

  /**
   * The authority is not idempotent. If a replica dies after it began, nobody knows whether it has
   * submitted: then nobody submits again before somebody has asked the authority.
   */
  onUnknown: 'hold',

  /** Short, for the demo, in which replicas die all the time. The default of 30 s suits most. */
  ttl: '2s',
});
