import { Module } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import { InvoiceRepository } from '../invoice.repository.ts';
import { TaxAuthorityClient } from '../tax-authority.client.ts';
import { WorkerConfig } from '../worker.config.ts';
import { UnlockedInvoiceJob } from './unlocked-invoice.job.ts';

/** The same repository and client; only the job has no locks. */
@Module({
  imports: [ScheduleModule.forRoot()],
  providers: [InvoiceRepository, TaxAuthorityClient, UnlockedInvoiceJob, WorkerConfig],
})
export class UnlockedWorkerModule {}
