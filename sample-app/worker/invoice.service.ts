import { Injectable } from '@nestjs/common';
import { Locked, LockService } from '../../lib/index.ts';
import type { Invoice } from './invoice.interface.ts';
import { TaxAuthorityClient } from './tax-authority.client.ts';

@Injectable()
export class InvoiceService {
  constructor(
    private readonly authority: TaxAuthorityClient,
    private readonly locks: LockService,
  ) {}

  /**
   * Issues an invoice to the tax authority, once in the whole fleet.
   *
   * Answers `issued`; `already-issued` when the authority has it; or `undefined` when another
   * replica is at it right now.
   */
  @Locked('invoice:<invoice.number>', { onBusy: 'skip' })
  async issue(invoice: Invoice): Promise<'issued' | 'already-issued' | undefined> {
    const lock = this.locks.current()!; // the one that @Locked has taken

    // Ask again under the lock: whoever had it before may have issued it, even if it then died.
    if (await this.authority.hasReceived(invoice, lock.signal)) return 'already-issued';

    // If this process stood still for longer than its lease (a paused container, a blocked event
    // loop), another replica may be at it by now: stop here instead of submitting it twice.
    lock.assertHeld();
    await this.authority.submit(invoice, { fencingToken: lock.fencingToken, signal: lock.signal });
    return 'issued';
  }
}
