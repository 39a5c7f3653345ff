import { type DynamicModule, Module } from '@nestjs/common';
import { LockModule } from '../../lib/index.ts';
import { InvoiceRepository } from '../worker/invoice.repository.ts';
import { TaxAuthorityClient } from '../worker/tax-authority.client.ts';
import { WorkerConfig } from '../worker/worker.config.ts';
import { ClerkService } from './clerk.service.ts';

/** An application beside the workers, on the same Redis and with the same prefix. */
@Module({})
export class ClerkModule {
  static for(config: WorkerConfig, prefix: string): DynamicModule {
    return {
      module: ClerkModule,
      imports: [LockModule.forRoot({ redis: process.env['REDIS_URL'], prefix, service: 'clerk' })],
      providers: [
        ClerkService,
        InvoiceRepository,
        TaxAuthorityClient,
        { provide: WorkerConfig, useValue: config },
      ],
    };
  }
}
