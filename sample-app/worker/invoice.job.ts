import { Injectable, Logger, type OnModuleDestroy } from '@nestjs/common';
import { Cron, CronExpression } from '@nestjs/schedule';
import { JobLockManager, LockError } from '../../lib/index.ts';
import type { Invoice } from './invoice.interface.ts';
import { InvoiceRepository } from './invoice.repository.ts';
import { InvoiceService } from './invoice.service.ts';
import { INVOICES } from './invoices.ts';

/** How many invoices a replica takes on at once, which is also how many a crash may leave unknown. */
const BATCH = 10;
/** With how many batches it is content before it begins with the oldest again, with the next tick. */
const BATCHES_A_TICK = 2;

/** Every replica runs this job at the same time; the locks share the invoices out among them. */
@Injectable()
export class InvoiceJob implements OnModuleDestroy {
  private readonly logger = new Logger(InvoiceJob.name);
  private stopping = false;
  private running: Promise<void> | undefined;

  constructor(
    private readonly invoices: InvoiceRepository,
    private readonly locks: JobLockManager,
    private readonly service: InvoiceService,
  ) {}

  @Cron(CronExpression.EVERY_SECOND, { waitForCompletion: true })
  async issuePending(): Promise<void> {
    this.running = this.issueBatches();
    await this.running;
  }

  /** A replica that is told to go finishes the invoices it is at. */
  async onModuleDestroy(): Promise<void> {
    this.stopping = true;
    await this.running;
  }

  private async issueBatches(): Promise<void> {
    try {
      let worked = 0;
      for (const batch of this.invoices.pendingInBatchesOf(BATCH)) {
        if (this.stopping || worked === BATCHES_A_TICK) return;
        if (await this.issueBatch(batch)) worked += 1;
      }
    } catch (error) {
      // Redis is out of reach: what is left stays pending for the next tick.
      this.logger.error((error as Error).message);
    }
  }

  /** What is busy or unknown stays pending, and is asked for again with the next tick. */
  private async issueBatch(batch: readonly Invoice[]): Promise<boolean> {
    const { granted, processed } = await this.locks.lockAll(INVOICES, batch);
    for (const invoice of processed) this.invoices.markIssued(invoice);
    await Promise.all(granted.map((invoice) => this.issue(invoice)));
    return granted.length > 0;
  }

  private async issue(invoice: Invoice): Promise<void> {
    try {
      await this.service.issue(invoice);
      this.invoices.markIssued(invoice);
    } catch (error) {
      // It stays pending here. If it was issued all the same, the next tick is told "processed".
      const { message } = error as Error;
      if (error instanceof LockError) this.logger.warn(message);
      else this.logger.error(message);
    }
  }
}
