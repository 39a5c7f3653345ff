import { Injectable } from '@nestjs/common';
import { JobLockManager, type OutcomeCounts } from '../../lib/index.ts';
import { InvoiceRepository } from '../worker/invoice.repository.ts';
import { INVOICES } from '../worker/invoices.ts';
import { TaxAuthorityClient } from '../worker/tax-authority.client.ts';

/** An invoice of which nobody knew whether it was submitted, and what was found out. */
export interface Resolution {
  readonly invoice: string;
  readonly begunBy: string;
  readonly since: Date;
  readonly fencingToken: number;
  /** What the authority says: it counts as issued then, and is issued anew otherwise. */
  readonly hasArrived: boolean;
}

/** Does what a person would do about unknown outcomes: look at each, ask the authority, and decide. */
@Injectable()
export class ClerkService {
  constructor(
    private readonly locks: JobLockManager,
    private readonly authority: TaxAuthorityClient,
    private readonly invoices: InvoiceRepository,
  ) {}

  count(): Promise<OutcomeCounts> {
    return this.locks.count(INVOICES);
  }

  /**
   * Only to be called when no replica can still submit what it began: none is stopped, and nothing
   * is under way. "It has not arrived" is not enough to go by, since it may still arrive.
   */
  async *resolveUnknown(): AsyncGenerator<Resolution, void> {
    for await (const record of this.locks.outcomes(INVOICES, { state: 'unknown' })) {
      const invoice = this.invoices.byLockName(record.name);
      const { holder, since, fencingToken } = record.attempts.at(-1)!;

      const hasArrived = await this.authority.hasReceived(invoice);
      const isResolved = await this.locks.resolve(
        INVOICES,
        invoice,
        hasArrived ? 'processed' : 'retry',
      );
      // Otherwise it was finished late, in this very moment: there is nothing left to decide.
      if (isResolved) {
        yield { invoice: invoice.number, begunBy: holder.service, since, fencingToken, hasArrived };
      }
    }
  }

  /** How many were issued by a replica that had lost its lock on the way. */
  async countLate(): Promise<number> {
    let late = 0;
    for await (const { attempts } of this.locks.outcomes(INVOICES, { state: 'processed' })) {
      if (attempts.some(({ outcome }) => outcome === 'late')) late += 1;
    }
    return late;
  }

  /** Nothing of a demo is left in Redis. */
  async forgetAll(): Promise<void> {
    await this.locks.clear(INVOICES, 'processed');
    await this.locks.clear(INVOICES, 'unknown');
  }
}
