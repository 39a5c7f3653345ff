import { type DynamicModule, Module, type Provider } from '@nestjs/common';
import { getLockServiceToken } from '../../inject-lock-service.decorator.js';
import type { LockService } from '../../lock.service.js';
import { createDashboardController } from './dashboard.controller.js';
import { DashboardActions } from './dashboard-actions.js';
import { DashboardData } from './dashboard-data.js';
import {
  type LockDashboardAsyncOptions,
  type LockDashboardOptions,
  type LockDashboardPlace,
  resolveActions,
  resolveAsyncOptions,
  type ResolvedActions,
  type ResolvedPlace,
  resolveOptions,
} from './dashboard-options.js';
import { DASHBOARD_OPTIONS } from './dashboard-tokens.js';

/**
 * A page that shows the locks of all processes: who holds and who waits, what is unknown, what happened, and how
 * the store is. It can be imported several times, under several paths.
 *
 * Without guards it is served to clients on the same machine only, and without `readOnly: false` nothing can be
 * done on it.
 *
 * @throws LockOptionsError if an option is wrong
 * @example
 * @Module({ imports: [LockModule.forRoot(), LockDashboardModule.forRoot({ guards: [AdminGuard] })] })
 * export class AppModule {}
 */
@Module({})
export class LockDashboardModule {
  /** Serves the page of the instances of `LockModule`; options are checked here. */
  static forRoot(options: LockDashboardOptions = {}): DynamicModule {
    const [place, actions] = resolveOptions(options);
    return define(options, place, { provide: DASHBOARD_OPTIONS, useValue: actions });
  }

  /** The same, with the actions that are allowed from a factory. */
  static forRootAsync(options: LockDashboardAsyncOptions): DynamicModule {
    const place = resolveAsyncOptions(options);
    return define(options, place, {
      provide: DASHBOARD_OPTIONS,
      inject: [...(options.inject ?? [])],
      useFactory: async (...injected: never[]) =>
        resolveActions(await options.useFactory(...injected)),
    });
  }
}

function define(
  { imports = [], using }: LockDashboardPlace,
  place: ResolvedPlace,
  options: Provider,
): DynamicModule {
  const inject = [getLockServiceToken(using), DASHBOARD_OPTIONS];
  return {
    module: LockDashboardModule,
    imports,
    controllers: [createDashboardController(place)],
    providers: [
      options,
      ...[DashboardData, DashboardActions].map((provide) => ({
        provide,
        inject,
        useFactory: (locks: LockService, resolved: ResolvedActions) => new provide(locks, resolved),
      })),
    ],
  };
}
