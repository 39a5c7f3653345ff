import { Injectable } from '@nestjs/common';
import { Lock, Locked, LockService, WithPermit } from '../../lib/index.ts';
import type { Invoice } from './invoice.interface.ts';
import { TaxAuthorityClient } from './tax-authority.client.ts';

@Injectable()
export class InvoiceService {
  constructor(
    private readonly authority: TaxAuthorityClient,
    private readonly locks: LockService,
  ) {}

  /**
   * Issues an invoice to the tax authority, once in the whole fleet: where another replica is at it,
   * this one waits for its turn, and then finds it issued as a rule.
   */
  @Locked('invoice:<invoice.number>')
  async issue(invoice: Invoice): Promise<'issued' | 'already-issued'> {
    const lock = this.locks.current()!; // the one that @Locked has taken

    // Ask again under the lock: whoever had it before may have issued it, even if it then died.
    if (await this.authority.hasReceived(invoice, lock.signal)) return 'already-issued';

    await this.submit(invoice, lock);
    return 'issued';
  }

  /** The authority wants no more than two at a time: whoever comes third waits in the queue. */
  @WithPermit('tax-authority', { permits: 2, wait: '10s' })
  async submit(invoice: Invoice, lock: Lock): Promise<void> {
    // If this process stood still for longer than its lease (a paused container, a blocked event
    // loop), another replica may be at it by now: stop here instead of submitting it twice.
    lock.assertHeld();
    await this.authority.submit(invoice, { fencingToken: lock.fencingToken, signal: lock.signal });
  }
}
