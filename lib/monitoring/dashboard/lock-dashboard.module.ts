import { type DynamicModule, Module, type Provider } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { getLockServiceToken } from '../../inject-lock-service.decorator.js';
import type { LockService } from '../../lock.service.js';
import { createDashboardController, settleSlashes } from './dashboard.controller.js';
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
import { DASHBOARD_NUMBER, DASHBOARD_OPTIONS, DASHBOARD_ROUTES } from './dashboard-tokens.js';

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

let count = 0;

function define(
  { imports = [], using }: LockDashboardPlace,
  place: ResolvedPlace,
  options: Provider,
): DynamicModule {
  const inject = [getLockServiceToken(using), DASHBOARD_OPTIONS];
  const controller = createDashboardController(place);
  return {
    module: LockDashboardModule,
    imports,
    controllers: [controller],
    providers: [
      options,
      // Nest may tell modules apart by their values, and takes all of their classes of one name for the same.
      { provide: DASHBOARD_NUMBER, useValue: ++count },
      {
        // A provider, since a controller with a guard of each request is not made before there is one.
        provide: DASHBOARD_ROUTES,
        inject: [HttpAdapterHost],
        useFactory: (host: HttpAdapterHost) => settleSlashes(controller, host),
      },
      ...[DashboardData, DashboardActions].map((provide) => ({
        provide,
        inject,
        useFactory: (locks: LockService, resolved: ResolvedActions) => new provide(locks, resolved),
      })),
    ],
  };
}
