import { Module } from '@nestjs/common';
import { LockModule } from '../../lib/index.ts';
import { LockDashboardModule } from '../../lib/monitoring/dashboard/index.ts';

/** An application beside the workers that shows their locks, and has none. */
@Module({
  imports: [
    LockModule.forRoot({
      redis: process.env['REDIS_URL'],
      prefix: process.env['LOCK_PREFIX'] ?? 'lock',
      reports: false,
    }),
    // Without guards, so that it is served to this machine only; nothing can be done on it.
    LockDashboardModule.forRoot({ title: process.env['TITLE'] ?? 'sample app' }),
  ],
})
export class DashboardModule {}
