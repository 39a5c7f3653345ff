import { Injectable, Logger, type OnModuleDestroy } from '@nestjs/common';
import { Cron, CronExpression } from '@nestjs/schedule';
import { LockLostError } from '../../lib/index.ts';
import type { Invoice } from './invoice.interface.ts';
import { InvoiceRepository } from './invoice.repository.ts';
import { InvoiceService } from './invoice.service.ts';

/** How many invoices are taken on at once, oldest first: what was busy comes up again soon. */
const BATCH = 50;

/** Every replica runs this job at the same time; the locks share the invoices out among them. */
@Injectable()
export class InvoiceJob implements OnModuleDestroy {
  private readonly logger = new Logger(InvoiceJob.name);
  private stopping = false;
  private running: Promise<void> | undefined;

  constructor(
    private readonly invoices: InvoiceRepository,
    private readonly service: InvoiceService,
  ) {}

  @Cron(CronExpression.EVERY_SECOND, { waitForCompletion: true })
  async issuePending(): Promise<void> {
    this.running = this.walk();
    await this.running;
  }

  /** A replica that is told to go finishes the invoice it is at. */
  async onModuleDestroy(): Promise<void> {
    this.stopping = true;
    await this.running;
  }

  /** Batch after batch, as long as one brings something. */
  private async walk(): Promise<void> {
    try {
      let done: number;
      do {
        done = 0;
        for (const invoice of this.invoices.pending(BATCH)) {
          if (this.stopping) return;
          if (await this.issue(invoice)) done += 1;
        }
      } while (done > 0);
    } catch (error) {
      // Redis or the authority is out of reach: what is left stays pending for the next tick.
      this.logger.error(error);
    }
  }

  /** Answers whether the authority has the invoice now. */
  private async issue(invoice: Invoice): Promise<boolean> {
    try {
      const outcome = await this.service.issue(invoice);
      // Another replica is at it: whether it will succeed is not known yet.
      if (outcome === undefined) return false;
      this.invoices.markIssued(invoice);
      return true;
    } catch (error) {
      if (!(error instanceof LockLostError)) throw error;
      // Somebody else may have it now: the authority is asked again with the next batch.
      this.logger.warn(`${invoice.number} stays pending: its lock was lost (${error.reason}).`);
      return false;
    }
  }
}
