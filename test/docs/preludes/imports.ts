// What pages use without saying each time where it comes from.
export { default as assert } from 'node:assert/strict';
export { randomUUID } from 'node:crypto';
export {
  type ArgumentsHost,
  type CanActivate,
  Catch,
  type ExceptionFilter,
  type ExecutionContext,
  Body,
  Controller,
  Get,
  Headers,
  Injectable,
  Module,
  type OnModuleInit,
  Param,
  Post,
  Put,
  UseGuards,
} from '@nestjs/common';
export { HttpService } from '@nestjs/axios';
export { CommandHandler, EventBus, EventsHandler } from '@nestjs/cqrs';
export { EventEmitter2 } from '@nestjs/event-emitter';
export { Cron, CronExpression } from '@nestjs/schedule';
export { HealthCheck, HealthCheckService, TerminusModule } from '@nestjs/terminus';
export { Test } from '@nestjs/testing';
export { PrometheusModule } from '@willsoto/nestjs-prometheus';
export { filter } from 'rxjs';
export {
  FingerprintError,
  InjectLockService,
  Job,
  JobLockManager,
  JobSemaphore,
  Lock,
  LockBusyError,
  Locked,
  LockError,
  LockLost,
  LockLostError,
  LockModule,
  LockNotHeldError,
  lockProblemOf,
  LockService,
  LockStoreError,
  LockTimeoutError,
  OutcomeUnknownError,
  publishLockEvents,
  StaleFencingTokenError,
  WithPermit,
} from 'nestjs-locker';
export { LockDashboardModule } from 'nestjs-locker/dashboard';
export {
  assertFenced,
  FenceColumn,
  FencedScript,
  fencedFetch,
  fencedGet,
  fencedPut,
  fencedSet,
  FenceGuard,
  FencingToken,
  FencingTokenGuard,
  type SqlTransaction,
} from 'nestjs-locker/fencing';
export { LockOtelModule } from 'nestjs-locker/otel';
export { LockPrometheusModule } from 'nestjs-locker/prometheus';
export { LockHealthIndicator } from 'nestjs-locker/terminus';
export { TestLockStore, UnlockedStore, withoutLocks } from 'nestjs-locker/testing';
