import { Module } from '@nestjs/common';
import { PGlite } from '@electric-sql/pglite';
import { LockModule } from 'nestjs-locker';
import { database } from './database.js';
import { PaymentController } from './payment.controller.js';
import { PaymentService } from './payment.service.js';

@Module({
  imports: [LockModule.forRoot({ redis: process.env.REDIS_URL })],
  controllers: [PaymentController],
  providers: [PaymentService, { provide: PGlite, useValue: database }],
})
export class AppModule {}
