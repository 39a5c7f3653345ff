import { Module } from '@nestjs/common';
import { CqrsModule, EventBus } from '@nestjs/cqrs';
import { LockModule, publishLockEvents } from 'nestjs-locker';
import { IssueInvoiceHandler } from './issue-invoice.handler.js';
import { InvoiceIssuedHandler, Journal } from './journal.js';
import { ProcessedHandler } from './lock-events.handler.js';

@Module({
  imports: [LockModule.forRoot({ redis: process.env.REDIS_URL }), CqrsModule.forRoot()],
  providers: [
    IssueInvoiceHandler,
    InvoiceIssuedHandler,
    ProcessedHandler,
    Journal,
    publishLockEvents(EventBus),
  ],
})
export class AppModule {}
