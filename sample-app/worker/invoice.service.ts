import { Injectable } from '@nestjs/common';
import { JobLockManager, JobSemaphore } from '../../lib/index.ts';
import type { Invoice } from './invoice.interface.ts';
import { INVOICES } from './invoices.ts';
import { TaxAuthorityClient } from './tax-authority.client.ts';

@Injectable()
export class InvoiceService {
  constructor(
    private readonly authority: TaxAuthorityClient,
    private readonly locks: JobLockManager,
    private readonly permits: JobSemaphore,
  ) {}

  /** Issues an invoice that this process has locked, and gives its lock back however it ends. */
  async issue(invoice: Invoice): Promise<void> {
    const lock = this.locks.lockOf(INVOICES, invoice)!;
    let isSent = false;
    try {
      await this.permits.acquire(INVOICES, { wait: '1 minute', signal: lock.signal });
      try {
        // If this process stood still for longer than its lease (a paused container, a blocked
        // event loop), its lock is gone, and it must not begin what somebody may decide upon now.
        lock.assertHeld();
        // It may stand still right after, too. Then the authority refuses it, by its token: that is a
        // StaleFencingTokenError. No signal ends it: an abort takes nothing back that was sent.
        isSent = true;
        await this.authority.submit(invoice, lock.fencingToken);

        // Marks it and gives the lock back, in one step. Should the lock have been lost meanwhile,
        // it is marked all the same, and a LockLostError tells that it was late.
        await this.locks.successfullyProcessed(INVOICES, invoice);
      } finally {
        await this.permits.release(INVOICES);
      }
    } finally {
      // Done: then this does nothing. Failed before it was sent: the invoice is open again. Without
      // an answer, or lost on the way: nobody knows, and it is held back until somebody has found out.
      // Refused: somebody has found out already, and this takes nothing from what was decided.
      await this.locks.unlock(INVOICES, invoice, isSent ? 'unknown' : 'open');
    }
  }
}
