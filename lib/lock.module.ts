import {
  ConfigurableModuleBuilder,
  type DynamicModule,
  Module,
  type Provider,
} from '@nestjs/common';
import { describeValue } from './core/describe-value.js';
import { getLockServiceToken } from './inject-lock-service.decorator.js';
import { getJobLockManagerToken, getJobSemaphoreToken } from './jobs/inject-jobs.decorator.js';
import { JobLockManager } from './jobs/job-lock-manager.js';
import { JobSemaphore } from './jobs/job-semaphore.js';
import { LockOptionsError } from './lock.errors.js';
import { lockExceptionFilterProvider } from './lock-exception-filter.provider.js';
import {
  type LockModuleOptions,
  type LockOptionsFactory,
  resolveModuleOptions,
} from './lock-module-options.js';
import { LockService } from './lock.service.js';
import { LockedInstanceBinder } from './locked-instance.binder.js';

interface LockModuleExtras {
  /** Whether other modules find the service without importing this one. Default: true. */
  isGlobal?: boolean;
  /** The name of a further instance, for `@InjectLockService(name)` and `@Locked(…, { using: name })`. */
  name?: string | undefined;
  /**
   * Whether `LockExceptionFilter` answers errors of locks for the whole application. Where there are
   * several instances, one that registers it is enough. Default: true.
   */
  exceptionFilter?: boolean;
}

const LOCK_MODULE_OPTIONS = Symbol.for('nestjs-locker:module-options');
const EXTRAS: LockModuleExtras = { isGlobal: true, name: undefined, exceptionFilter: true };

const { ConfigurableModuleClass, OPTIONS_TYPE, ASYNC_OPTIONS_TYPE } =
  new ConfigurableModuleBuilder<LockModuleOptions>({
    optionsInjectionToken: LOCK_MODULE_OPTIONS,
  })
    .setClassMethodName('forRoot')
    .setFactoryMethodName('createLockOptions' satisfies keyof LockOptionsFactory)
    .setExtras(EXTRAS, (definition, { isGlobal = true, name, exceptionFilter }) => ({
      ...definition,
      global: isGlobal,
      providers: [
        ...(definition.providers ?? []),
        lockServiceProvider(name),
        ...jobProviders(name),
        ...exceptionFilterProviders(exceptionFilter),
        LockedInstanceBinder,
      ],
      exports: [
        getLockServiceToken(name),
        getJobLockManagerToken(name),
        getJobSemaphoreToken(name),
      ],
    }))
    .build();

function lockServiceProvider(name: string | undefined): Provider {
  if (name !== undefined && (typeof name !== 'string' || name === '')) {
    throw new LockOptionsError(
      `LockModule option "name" is ${describeValue(name)}; write a text such as 'billing', or leave it out.`,
    );
  }
  return {
    provide: getLockServiceToken(name),
    inject: [LOCK_MODULE_OPTIONS],
    useFactory: (options: LockModuleOptions) => new LockService(resolveModuleOptions(options)),
  };
}

function jobProviders(name: string | undefined): Provider[] {
  const inject = [getLockServiceToken(name)];
  return [
    {
      provide: getJobLockManagerToken(name),
      inject,
      useFactory: ({ jobs }: LockService) => new JobLockManager(jobs),
    },
    {
      provide: getJobSemaphoreToken(name),
      inject,
      useFactory: ({ jobs }: LockService) => new JobSemaphore(jobs),
    },
  ];
}

function exceptionFilterProviders(exceptionFilter = true): Provider[] {
  if (typeof exceptionFilter !== 'boolean') {
    throw new LockOptionsError(
      `LockModule option "exceptionFilter" is ${describeValue(exceptionFilter)}; write false to have errors of locks ` +
        'answered by filters of your own alone, or leave it out.',
    );
  }
  return exceptionFilter ? [lockExceptionFilterProvider] : [];
}

/**
 * Provides `LockService`, `JobLockManager` and `JobSemaphore`, and through it every decorator of this package.
 *
 * `forRootAsync` takes `useFactory`, `useClass` or `useExisting` (a `LockOptionsFactory`), `inject`
 * and `imports`. Both take `isGlobal` (default: true) and, for further instances, `name`. Errors of locks
 * that reach a client are answered by `LockExceptionFilter`, unless `exceptionFilter` is false.
 *
 * @throws LockOptionsError at start, if an option is wrong
 * @throws LockStoreError at start, if the store cannot be reached or written to
 * @example
 * @Module({ imports: [LockModule.forRoot({ redis: process.env.REDIS_URL, ttl: '30s' })] })
 * export class AppModule {}
 */
@Module({})
export class LockModule extends ConfigurableModuleClass {
  static override forRoot(options: typeof OPTIONS_TYPE = {}): DynamicModule {
    refuseNoObject(options, 'forRoot', "{ redis: 'redis://localhost:6379' }");
    return super.forRoot(options);
  }
  static override forRootAsync(options: typeof ASYNC_OPTIONS_TYPE): DynamicModule {
    const example = '{ inject: [ConfigService], useFactory: (config) => ({ … }) }';
    refuseNoObject(options, 'forRootAsync', example);
    if (!(options.useFactory ?? options.useClass ?? options.useExisting)) {
      throw new LockOptionsError(
        `LockModule.forRootAsync: none of useFactory, useClass and useExisting is given; write ${example}.`,
      );
    }
    return super.forRootAsync(options);
  }
}

function refuseNoObject(options: unknown, method: string, example: string): void {
  if (typeof options === 'object' && options !== null) return;
  // Not the value: it may well be a URL with a password.
  const type = options === null ? 'null' : `a ${typeof options}`;
  throw new LockOptionsError(
    `LockModule.${method}: the options are ${type}; write an object such as ${example}.`,
  );
}
