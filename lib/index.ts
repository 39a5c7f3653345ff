export type { AcquireOptions, TryAcquireOptions } from './core/acquire-options.js';
export type { Clock, Timer } from './core/clock.js';
export type { Duration } from './core/duration.js';
export type { Compensate, WithLockOptions } from './core/hold.js';
export type { HeldLock } from './core/lock-client.js';
export type * from './core/lock-events.js';
export { Lock } from './core/lock.js';
export { getLockServiceToken, InjectLockService } from './inject-lock-service.decorator.js';
export * from './lock.errors.js';
export type { LockModuleOptions, LockOptionsFactory } from './lock-module-options.js';
export { LockModule } from './lock.module.js';
export { LockService } from './lock.service.js';
export {
  type BusyContext,
  type LockableResult,
  Locked,
  type LockedDecorator,
  type LockedOptions,
} from './locked.decorator.js';
export type { MethodKind } from './locked-method.js';
export type * from './stores/lock-store.interface.js';
export type { RedisSource } from './stores/redis/redis-connection.js';
