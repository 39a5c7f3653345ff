import { Module } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import { InvoiceJob } from '../invoice.job.ts';
import { InvoiceRepository } from '../invoice.repository.ts';
import { InvoiceService } from '../invoice.service.ts';
import { TaxAuthorityClient } from '../tax-authority.client.ts';
import { WorkerConfig } from '../worker.config.ts';
import { UnlockedInvoiceService } from './unlocked-invoice.service.ts';

/** The same job, repository and client; only the service has no lock. */
@Module({
  imports: [ScheduleModule.forRoot()],
  providers: [
    InvoiceJob,
    InvoiceRepository,
    TaxAuthorityClient,
    WorkerConfig,
    { provide: InvoiceService, useClass: UnlockedInvoiceService },
  ],
})
export class UnlockedWorkerModule {}
