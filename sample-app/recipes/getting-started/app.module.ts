import { Module } from '@nestjs/common';
import { LockModule } from 'nestjs-locker';
import { LockDashboardModule } from 'nestjs-locker/dashboard';
import { InvoiceController } from './invoice.controller.js';
import { InvoiceService } from './invoice.service.js';

@Module({
  imports: [
    LockModule.forRoot({ redis: process.env.REDIS_URL }), // default: redis://localhost:6379
    LockDashboardModule.forRoot(),
  ],
  controllers: [InvoiceController],
  providers: [InvoiceService],
})
export class AppModule {}
