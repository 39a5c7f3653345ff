import { Module } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import { LockModule } from 'nestjs-locker';
import { ReportService } from './report.service.js';
import { Reports } from './reports.js';

@Module({
  imports: [LockModule.forRoot({ redis: process.env.REDIS_URL }), ScheduleModule.forRoot()],
  providers: [ReportService, Reports],
})
export class AppModule {}
