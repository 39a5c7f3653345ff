// What pages use without saying each time where it comes from.
export { default as assert } from 'node:assert/strict';
export { randomUUID } from 'node:crypto';
export {
  type ArgumentsHost,
  type CanActivate,
  applyDecorators,
  Catch,
  type ExceptionFilter,
  type ExecutionContext,
  Body,
  Controller,
  Get,
  Injectable,
  Module,
  NotFoundException,
  type OnModuleInit,
  Param,
  Post,
  Put,
  ServiceUnavailableException,
  UnprocessableEntityException,
  UseFilters,
  UseGuards,
} from '@nestjs/common';
export { HttpModule, HttpService } from '@nestjs/axios';
export {
  CommandHandler,
  CqrsModule,
  EventBus,
  EventsHandler,
  type IEventHandler,
} from '@nestjs/cqrs';
export { EventEmitter2, OnEvent } from '@nestjs/event-emitter';
export { APP_FILTER, APP_GUARD, HttpAdapterHost } from '@nestjs/core';
export { Cron, CronExpression } from '@nestjs/schedule';
export { ApiHeader } from '@nestjs/swagger';
export { HealthCheck, HealthCheckService, TerminusModule } from '@nestjs/terminus';
export { WebSocketGateway } from '@nestjs/websockets';
export { Test } from '@nestjs/testing';
export { PrometheusModule } from '@willsoto/nestjs-prometheus';
export { Redis } from 'ioredis';
export { Registry } from 'prom-client';
export { filter, Observable, Subject } from 'rxjs';
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
