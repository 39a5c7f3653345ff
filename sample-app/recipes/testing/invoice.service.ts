import { Injectable } from '@nestjs/common';
import { Locked, LockService } from 'nestjs-locker';
import { TaxAuthority } from './tax-authority.js';

@Injectable()
export class InvoiceService {
  constructor(
    private readonly locks: LockService,
    private readonly authority: TaxAuthority,
  ) {}

  @Locked('invoice:<id>', { compensate: () => 'cancelled' })
  async issue(id: string): Promise<string> {
    await this.authority.submit(id);
    this.locks.current()?.assertHeld();
    return 'issued';
  }

  @Locked('report', { onBusy: 'skip' })
  async report(): Promise<string | undefined> {
    return 'made';
  }
}
