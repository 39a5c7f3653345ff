import { Injectable, Logger, type OnModuleDestroy } from '@nestjs/common';
import { Cron, CronExpression } from '@nestjs/schedule';
import { LockBusyError, LockLostError } from '../../lib/index.ts';
import type { Invoice } from './invoice.interface.ts';
import { InvoiceRepository } from './invoice.repository.ts';
import { InvoiceService } from './invoice.service.ts';

/** How many invoices a replica takes on at once: enough to keep the authority at work. */
const AT_ONCE = 3;

/** Every replica runs this job at the same time; the locks share the invoices out among them. */
@Injectable()
export class InvoiceJob implements OnModuleDestroy {
  private readonly logger = new Logger(InvoiceJob.name);
  private stopping = false;
  private running: Promise<unknown> | undefined;

  constructor(
    private readonly invoices: InvoiceRepository,
    private readonly service: InvoiceService,
  ) {}

  @Cron(CronExpression.EVERY_SECOND, { waitForCompletion: true })
  async issuePending(): Promise<void> {
    const pending = this.invoices.pending().values();
    this.running = Promise.all(Array.from({ length: AT_ONCE }, () => this.walk(pending)));
    await this.running;
  }

  /** A replica that is told to go finishes the invoices it is at. */
  async onModuleDestroy(): Promise<void> {
    this.stopping = true;
    await this.running;
  }

  /** Issues one after the other; several walks share what is pending. */
  private async walk(pending: IterableIterator<Invoice>): Promise<void> {
    try {
      for (const invoice of pending) {
        if (this.stopping) return;
        await this.issue(invoice);
      }
    } catch (error) {
      // Redis or the authority is out of reach: what is left stays pending for the next tick.
      this.logger.error((error as Error).message);
    }
  }

  private async issue(invoice: Invoice): Promise<void> {
    try {
      await this.service.issue(invoice);
      this.invoices.markIssued(invoice);
    } catch (error) {
      // Lost on the way, or not given in time: somebody else may have it. It stays pending, and the
      // authority is asked again with the next tick.
      if (!(error instanceof LockLostError || error instanceof LockBusyError)) throw error;
    }
  }
}
