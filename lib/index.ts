/**
 * The module, the service, the decorators, the errors, and what stores are made of.
 *
 * @module nestjs-locker
 */
export type { AcquireOptions, TryAcquireOptions } from './core/acquire-options.js';
export type { Clock, Timer } from './core/clock.js';
export type { Duration } from './core/duration.js';
export type { Compensate, WithLockOptions } from './core/hold.js';
export type { RetryOptions } from './core/retry.js';
export type { HeldLock } from './core/lock-client.js';
export * from './core/lock-channels.js';
export type * from './core/tracing-channel.js';
export type * from './core/lock-events.js';
export { Lock } from './core/lock.js';
export {
  type PermitOptions,
  Semaphore,
  type TryPermitOptions,
  type WithPermitsOptions,
} from './core/semaphore.js';
export { getLockServiceToken, InjectLockService } from './inject-lock-service.decorator.js';
export {
  getJobLockManagerToken,
  getJobSemaphoreToken,
  InjectJobLockManager,
  InjectJobSemaphore,
} from './jobs/inject-jobs.decorator.js';
export { type JobBatch, JobLockManager } from './jobs/job-lock-manager.js';
export { JobSemaphore } from './jobs/job-semaphore.js';
export { Job, type JobOptions } from './jobs/job.js';
export type { OnceTerms, OnUnknown, UnknownOutcome } from './jobs/once-options.js';
export type { OnceResult } from './jobs/once-runner.js';
export {
  type ListOptions,
  type OutcomeCounts,
  Outcomes,
  type ResolveOptions,
} from './jobs/outcomes.js';
export * from './lock.errors.js';
export { LockExceptionFilter } from './lock-exception.filter.js';
export { type LockProblem, lockProblemOf } from './lock-problem.js';
export type { LockModuleOptions, LockOptionsFactory } from './lock-module-options.js';
export { LockModule } from './lock.module.js';
export { LockService, type OnceOptions } from './lock.service.js';
export type {
  BusyContext,
  LockableResult,
  LockedDecorator,
  LockedMethodOptions,
} from './lock-decorator.js';
export type * from './monitoring/checks/check.interface.js';
export { LockOverview } from './monitoring/overview/lock-overview.js';
export type * from './monitoring/overview/overview.interface.js';
export { Locked, type LockedOnceOptions, type LockedOptions } from './locked.decorator.js';
export type { MethodKind } from './locked-method.js';
export { WithPermit, type WithPermitOptions } from './with-permit.decorator.js';
export type * from './stores/lock-store.interface.js';
export type * from './stores/outcome.interface.js';
export * from './stores/report.interface.js';
export type {
  HandOverFacts,
  PersistenceFacts,
  ServerFacts,
  StoreSurvey,
} from './stores/survey.interface.js';
export * from './publish-lock-events.js';
export type { RedisSource } from './stores/redis/redis-connection.js';
