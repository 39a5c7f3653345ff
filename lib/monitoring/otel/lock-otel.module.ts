import { type DynamicModule, Inject, Injectable, Module } from '@nestjs/common';
import type { OnApplicationShutdown, OnModuleInit } from '@nestjs/common';
import { refuseUnknownOptions } from '../../core/acquire-options.js';
import { describeValue } from '../../core/describe-value.js';
import { LockOptionsError } from '../../lock.errors.js';
import { type LockOtelOptions, observeLocks } from './observe-locks.js';

const OPTIONS = Symbol.for('nestjs-locker:otel-options');
const KNOWN = new Set(['meterProvider', 'tracerProvider', 'metrics', 'spans']);

@Injectable()
class LockOtelObserver implements OnModuleInit, OnApplicationShutdown {
  private stop: (() => void) | undefined;

  constructor(@Inject(OPTIONS) private readonly options: LockOtelOptions) {}

  /** Not before: the SDK may be started while modules are made. */
  onModuleInit(): void {
    this.stop = observeLocks(this.options);
  }

  /** Not before: locks are given back until then. */
  onApplicationShutdown(): void {
    this.stop?.();
  }
}

/**
 * Measures and traces all locks of this process with OpenTelemetry, from the application's start to its end.
 *
 * @throws LockOptionsError if an option is wrong
 * @example
 * @Module({ imports: [LockModule.forRoot(), LockOtelModule.forRoot()] })
 * export class AppModule {}
 */
@Module({})
export class LockOtelModule {
  /** Makes the instruments when the application starts, by which time providers are registered. */
  static forRoot(options: LockOtelOptions = {}): DynamicModule {
    refuseUnknownOptions(options, KNOWN, 'LockOtelModule');
    checkProvider(options.meterProvider, 'meterProvider', 'getMeter');
    checkProvider(options.tracerProvider, 'tracerProvider', 'getTracer');
    for (const key of ['metrics', 'spans'] as const) {
      const value = options[key];
      if (value === undefined || typeof value === 'boolean') continue;
      throw new LockOptionsError(
        `LockOtelModule option "${key}" is ${describeValue(value)}; write true or false.`,
      );
    }
    return {
      module: LockOtelModule,
      providers: [{ provide: OPTIONS, useValue: options }, LockOtelObserver],
    };
  }
}

function checkProvider(provider: object | undefined, key: string, method: string): void {
  if (provider === undefined) return;
  if (typeof (provider as Record<string, unknown> | null)?.[method] === 'function') return;
  throw new LockOptionsError(
    `LockOtelModule option "${key}" is ${describeValue(provider)}; write one of an OpenTelemetry SDK, or leave it out.`,
  );
}
