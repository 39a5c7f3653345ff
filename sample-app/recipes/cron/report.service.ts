import { Injectable } from '@nestjs/common';
import { Cron } from '@nestjs/schedule';
import { Locked, LockService } from 'nestjs-locker';
import { Reports } from './reports.js';

@Injectable()
export class ReportService {
  constructor(
    private readonly reports: Reports,
    private readonly locks: LockService,
  ) {}

  // Each replica has this timer. The first to have the lock makes the report, the others skip it.
  @Cron('*/2 * * * * *')
  @Locked('nightly-report', { onBusy: 'skip', minHold: '1s', maxHold: '10 minutes' })
  async makeReport(): Promise<void> {
    await this.reports.make(this.locks.current()!.signal);
  }
}
