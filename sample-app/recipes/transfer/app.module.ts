import { Module } from '@nestjs/common';
import { PGlite } from '@electric-sql/pglite';
import { LockModule } from 'nestjs-locker';
import { database } from './database.js';
import { FraudCheck } from './fraud-check.js';
import { TransferService } from './transfer.service.js';

/** One for both replicas, as a service elsewhere is. */
const fraudCheck = new FraudCheck();

@Module({
  imports: [LockModule.forRoot({ redis: process.env.REDIS_URL })],
  providers: [
    TransferService,
    { provide: PGlite, useValue: database },
    { provide: FraudCheck, useValue: fraudCheck },
  ],
})
export class AppModule {}
