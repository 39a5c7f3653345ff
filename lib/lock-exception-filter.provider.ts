import type { FactoryProvider } from '@nestjs/common';
import { ApplicationConfig, HttpAdapterHost } from '@nestjs/core';
import { LockExceptionFilter } from './lock-exception.filter.js';

/**
 * Registers the filter for the whole application, once however many instances of the module there are.
 *
 * Not as `APP_FILTER`: Nest asks the filter that was registered last first, and modules that are imported
 * register after those that import them, so that it would take the errors away from the application's own
 * filters. Providers are made before any of those is registered.
 */
export const lockExceptionFilterProvider: FactoryProvider<LockExceptionFilter> = {
  provide: LockExceptionFilter,
  inject: [ApplicationConfig, HttpAdapterHost],
  useFactory: (config: ApplicationConfig, adapterHost: HttpAdapterHost) => {
    for (const filter of config.getGlobalFilters()) {
      if (filter instanceof LockExceptionFilter) return filter;
    }
    const filter = new LockExceptionFilter(adapterHost);
    config.addGlobalFilter(filter);
    return filter;
  },
};
