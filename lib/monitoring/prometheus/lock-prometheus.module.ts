import { type DynamicModule, Inject, Injectable, Module } from '@nestjs/common';
import type { OnApplicationShutdown, OnModuleInit } from '@nestjs/common';
import type { Registry } from 'prom-client';
import { refuseUnknownOptions } from '../../core/acquire-options.js';
import { describeValue } from '../../core/describe-value.js';
import { LockOptionsError } from '../../lock.errors.js';
import { observeLocks } from './observe-locks.js';

/**
 * Where locks are measured.
 *
 * @example
 * LockPrometheusModule.forRoot({ registry: new Registry() })
 */
export interface LockPrometheusOptions {
  /** Default: prom-client's own, which `@willsoto/nestjs-prometheus` serves. */
  readonly registry?: Registry;
}

const OPTIONS = Symbol.for('nestjs-locker:prometheus-options');
const KNOWN = new Set(['registry']);

@Injectable()
class LockPrometheusObserver implements OnModuleInit, OnApplicationShutdown {
  private stop: (() => void) | undefined;

  constructor(@Inject(OPTIONS) private readonly options: LockPrometheusOptions) {}

  onModuleInit(): void {
    this.stop = observeLocks(this.options.registry);
  }

  /** Not before: locks are given back until then. */
  onApplicationShutdown(): void {
    this.stop?.();
  }
}

/**
 * Measures all locks of this process in a registry of prom-client, from the application's start to its end.
 *
 * @throws LockOptionsError if `registry` is none
 * @example
 * @Module({ imports: [PrometheusModule.register(), LockModule.forRoot(), LockPrometheusModule.forRoot()] })
 * export class AppModule {}
 */
@Module({})
export class LockPrometheusModule {
  /** Registers the metrics while the application runs. */
  static forRoot(options: LockPrometheusOptions = {}): DynamicModule {
    refuseUnknownOptions(options, KNOWN, 'LockPrometheusModule');
    const { registry } = options;
    if (registry !== undefined && typeof registry?.registerMetric !== 'function') {
      throw new LockOptionsError(
        `LockPrometheusModule option "registry" is ${describeValue(registry)}; write a Registry of prom-client, or leave it out.`,
      );
    }
    return {
      module: LockPrometheusModule,
      providers: [{ provide: OPTIONS, useValue: options }, LockPrometheusObserver],
    };
  }
}
