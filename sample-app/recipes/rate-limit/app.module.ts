import { Module } from '@nestjs/common';
import { LockModule } from 'nestjs-locker';
import { TaxAuthorityClient } from './tax-authority.client.js';

@Module({
  imports: [LockModule.forRoot({ redis: process.env.REDIS_URL })],
  providers: [TaxAuthorityClient],
  exports: [TaxAuthorityClient],
})
export class AppModule {}
