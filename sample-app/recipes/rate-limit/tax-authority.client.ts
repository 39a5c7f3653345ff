import { Injectable } from '@nestjs/common';
import { LockService, WithPermit } from 'nestjs-locker';

@Injectable()
export class TaxAuthorityClient {
  constructor(private readonly locks: LockService) {}

  // Four at a time, of all replicas together. `minHold` keeps each permit for half a second at
  // least: eight calls a second on the long run, however quick they are.
  @WithPermit('tax-authority', { permits: 4, minHold: '500ms', wait: '1 minute' })
  async submit(url: string, invoice: number): Promise<number> {
    const { signal } = this.locks.current()!; // who has lost the permit asks no longer
    const response = await fetch(`${url}/invoices/${invoice}`, { method: 'PUT', signal });
    return response.status;
  }
}
