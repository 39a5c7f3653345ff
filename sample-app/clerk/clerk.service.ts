import { Injectable } from '@nestjs/common';
import {
  JobLockManager,
  LockService,
  type OutcomeCounts,
  type OutcomeRecord,
} from '../../lib/index.ts';
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
    private readonly jobs: JobLockManager,
    private readonly locks: LockService,
    private readonly authority: TaxAuthorityClient,
    private readonly invoices: InvoiceRepository,
  ) {}

  count(): Promise<OutcomeCounts> {
    return this.jobs.count(INVOICES);
  }

  /** At any time, whoever may be dead, asleep or about to wake up. */
  async *resolveUnknown(): AsyncGenerator<Resolution, void> {
    for await (const record of this.jobs.outcomes(INVOICES, { state: 'unknown' })) {
      const resolution = await this.resolve(record);
      if (resolution) yield resolution;
    }
  }

  /** @returns `undefined` if there is nothing left to decide */
  private async resolve(record: OutcomeRecord): Promise<Resolution | undefined> {
    // Its fencing token is newer than that of whoever began. The authority is asked with it, and refuses
    // older ones from then on: only that makes "it has not arrived" final.
    await using lock = await this.locks.tryAcquire(record.name);
    if (!lock) return undefined;
    const invoice = this.invoices.byLockName(record.name);
    const hasArrived = await this.authority.hasReceived(invoice, lock.fencingToken);

    // About this record: should somebody have finished late, or begun anew, it is no decision.
    const decision = hasArrived ? 'processed' : 'retry';
    if (!(await this.jobs.resolve(INVOICES, invoice, decision, record))) return undefined;
    const { holder, since, fencingToken } = record.attempts.at(-1)!;
    return { invoice: invoice.number, begunBy: holder.service, since, fencingToken, hasArrived };
  }

  /** How many were issued by a replica that had lost its lock on the way. */
  async countLate(): Promise<number> {
    let late = 0;
    for await (const { attempts } of this.jobs.outcomes(INVOICES, { state: 'processed' })) {
      if (attempts.some(({ outcome }) => outcome === 'late')) late += 1;
    }
    return late;
  }
}
