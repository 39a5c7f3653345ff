import { Module } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import { LockModule } from '../../lib/index.ts';
import { LockPrometheusModule } from '../../lib/monitoring/prometheus/index.ts';
import { InvoiceJob } from './invoice.job.ts';
import { InvoiceRepository } from './invoice.repository.ts';
import { InvoiceService } from './invoice.service.ts';
import { MetricsController } from './metrics.controller.ts';
import { TaxAuthorityClient } from './tax-authority.client.ts';
import { WorkerConfig } from './worker.config.ts';

@Module({
  imports: [
    ScheduleModule.forRoot(),
    LockModule.forRoot({
      redis: process.env['REDIS_URL'],
      prefix: process.env['LOCK_PREFIX'] ?? 'lock',
      service: process.env['REPLICA'] ?? 'worker', // so that records tell which replica it was
    }),
    LockPrometheusModule.forRoot(),
  ],
  controllers: [MetricsController],
  providers: [InvoiceJob, InvoiceRepository, InvoiceService, TaxAuthorityClient, WorkerConfig],
})
export class WorkerModule {}
