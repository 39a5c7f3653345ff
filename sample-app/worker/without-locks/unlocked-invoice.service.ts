import { Injectable } from '@nestjs/common';
import type { Invoice } from '../invoice.interface.ts';
import { TaxAuthorityClient } from '../tax-authority.client.ts';

/**
 * For contrast, and not for copying: the same without `@Locked` and `@WithPermit`. It asks before it submits,
 * which is not enough: two replicas that ask at the same time are both told "no".
 */
@Injectable()
export class UnlockedInvoiceService {
  constructor(private readonly authority: TaxAuthorityClient) {}

  async issue(invoice: Invoice): Promise<'issued' | 'already-issued'> {
    if (await this.authority.hasReceived(invoice)) return 'already-issued';
    await this.authority.submit(invoice);
    return 'issued';
  }
}
