import { Injectable, Logger, type OnModuleDestroy } from '@nestjs/common';
import { Cron, CronExpression } from '@nestjs/schedule';
import type { Invoice } from '../invoice.interface.ts';
import { InvoiceRepository } from '../invoice.repository.ts';
import { TaxAuthorityClient } from '../tax-authority.client.ts';

const BATCH = 10;

/**
 * For contrast, and not for copying: the same job without locks and permits. It asks before it
 * submits, which is not enough: two replicas that ask at the same time are both told "no".
 */
@Injectable()
export class UnlockedInvoiceJob implements OnModuleDestroy {
  private readonly logger = new Logger(UnlockedInvoiceJob.name);
  private stopping = false;
  private running: Promise<void> | undefined;

  constructor(
    private readonly invoices: InvoiceRepository,
    private readonly authority: TaxAuthorityClient,
  ) {}

  @Cron(CronExpression.EVERY_SECOND, { waitForCompletion: true })
  async issuePending(): Promise<void> {
    this.running = this.issueBatches();
    await this.running;
  }

  async onModuleDestroy(): Promise<void> {
    this.stopping = true;
    await this.running;
  }

  private async issueBatches(): Promise<void> {
    for (const batch of this.invoices.pendingInBatchesOf(BATCH)) {
      if (this.stopping) return;
      await Promise.all(batch.map((invoice) => this.issue(invoice)));
    }
  }

  private async issue(invoice: Invoice): Promise<void> {
    try {
      if (!(await this.authority.hasReceived(invoice))) await this.authority.submit(invoice);
      this.invoices.markIssued(invoice);
    } catch (error) {
      this.logger.error((error as Error).message);
    }
  }
}
