import { Injectable } from '@nestjs/common';
import { LockReentryError, Locked, LockService } from 'nestjs-locker';

export interface Invoice {
  readonly id: number;
}

@Injectable()
export class InvoiceService {
  constructor(private readonly locks: LockService) {}

  /** Issues it, and tries the same once more meanwhile. */
  @Locked('invoice:<invoice.id>', { wait: 0, reentrant: false })
  async issue(invoice: Invoice, isSecond = false): Promise<{ token: number; second: string }> {
    const second = isSecond ? 'not refused' : await this.issue(invoice, true).then(told, told);
    return { token: this.locks.current()!.fencingToken, second };
  }
}

const told = (outcome: unknown): string =>
  outcome instanceof LockReentryError ? outcome.code : String(outcome);
