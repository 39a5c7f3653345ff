import { Injectable } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { type HealthIndicatorResult, HealthIndicatorService } from '@nestjs/terminus';
import { refuseUnknownOptions } from '../../core/acquire-options.js';
import { describeValue } from '../../core/describe-value.js';
import { type Duration, parseDuration } from '../../core/duration.js';
import { getLockServiceToken } from '../../inject-lock-service.decorator.js';
import { LockOptionsError, LockServiceMissingError } from '../../lock.errors.js';
import type { LockService } from '../../lock.service.js';
import type { CheckReport } from '../checks/check.interface.js';
import { type LockHealth, toHealth } from './lock-health.js';

export type { LockHealth, LockHealthProblem } from './lock-health.js';

/**
 * How health is told.
 *
 * @example
 * indicator.isHealthy('locks', { timeout: '500ms', showServers: true })
 */
export interface LockHealthOptions {
  /** After how long a server counts as one that gives no answer: 1 ms to 10 minutes. Default: 750 ms. */
  readonly timeout?: Duration;
  /** How long a write may take before health is degraded: 1 ms to 10 minutes. Default: 250 ms. */
  readonly maxLatency?: Duration;
  /** For how long an answer is given again instead of asking the servers anew, up to 10 minutes; 0 asks every time. Default: 5 s. */
  readonly cacheFor?: Duration;
  /** Shows which servers there are, and errors in their own words, which name hosts. Default: false. */
  readonly showServers?: boolean;
  /** The `name` of the `LockModule`, where there are several. */
  readonly using?: string;
}

const KNOWN = new Set(['timeout', 'maxLatency', 'cacheFor', 'showServers', 'using']);
const CACHE_BOUNDS = { min: 0, max: 600_000 } as const;

/** What is told to whoever asks meanwhile. */
interface Told {
  readonly report: Promise<CheckReport>;
  /** `Infinity` until it is there. */
  until: number;
}

/**
 * Tells Terminus whether locks can be had: up, degraded if something may go wrong, or down.
 *
 * One look at the servers serves all that ask within `cacheFor`. Terminus 11 knows no degraded: there it is up,
 * with `degraded: true` among its details.
 *
 * @example
 * @Get()
 * @HealthCheck()
 * check() {
 *   return this.health.check([() => this.locks.isHealthy('locks')]);
 * }
 */
@Injectable()
export class LockHealthIndicator {
  private readonly told = new Map<string, Told>();

  constructor(
    private readonly indicators: HealthIndicatorService,
    private readonly modules: ModuleRef,
  ) {}

  /**
   * @param key what it is called in the answer
   * @throws LockOptionsError if an option is none
   * @throws LockServiceMissingError if there is no `LockModule`, or none of that name
   * @example
   * await this.locks.isHealthy('locks', { cacheFor: '10s' });
   */
  async isHealthy<Key extends string = 'locks'>(
    key: Key = 'locks' as Key,
    options: LockHealthOptions = {},
  ): Promise<HealthIndicatorResult<Key>> {
    const what = 'LockHealthIndicator.isHealthy()';
    refuseUnknownOptions(options, KNOWN, what);
    const { cacheFor = '5s', showServers = false, using, ...rest } = options;
    if (typeof showServers !== 'boolean') {
      throw new LockOptionsError(
        `${what}: "showServers" is ${describeValue(showServers)}; write true or false.`,
      );
    }
    const cacheMs = parseDuration(cacheFor, `${what}: "cacheFor"`, CACHE_BOUNDS);
    const report = await this.look({ timeout: '750ms', ...rest }, cacheMs, using);
    const data: LockHealth = toHealth(report, showServers);
    return this.answer(key, report, data);
  }

  /** Whoever asks while the servers are being asked is told the same. */
  private look(
    options: { readonly timeout: Duration; readonly maxLatency?: Duration },
    cacheMs: number,
    using: string | undefined,
  ): Promise<CheckReport> {
    const id = JSON.stringify([using, options]);
    const known = this.told.get(id);
    if (known && performance.now() < known.until) return known.report;
    const told: Told = { report: this.serviceOf(using).check(options), until: Infinity };
    this.told.set(id, told);
    const settled = (): void => void (told.until = performance.now() + cacheMs);
    told.report.then(settled, () => this.told.delete(id));
    return told.report;
  }

  private serviceOf(using: string | undefined): LockService {
    try {
      return this.modules.get<LockService>(getLockServiceToken(using), { strict: false });
    } catch {
      const named = using === undefined ? '' : `, name: ${JSON.stringify(using)}`;
      throw new LockServiceMissingError(
        `LockHealthIndicator finds no LockService: import LockModule.forRoot({ …${named} }).`,
      );
    }
  }

  private answer<Key extends string>(
    key: Key,
    { status }: CheckReport,
    data: LockHealth,
  ): HealthIndicatorResult<Key> {
    const session = this.indicators.check(key);
    const details: Record<string, unknown> = { ...data };
    if (status === 'fail') return session.down(details);
    if (status === 'ok') return session.up(details);
    const degraded = (session as Degradable<Key>).degraded?.(details);
    return degraded ?? session.up({ degraded: true, ...details });
  }
}

/** Terminus 12 is, Terminus 11 is not. */
interface Degradable<Key extends string> {
  degraded?(data: Record<string, unknown>): HealthIndicatorResult<Key>;
}
