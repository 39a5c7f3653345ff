import { hostname } from 'node:os';
import { basename } from 'node:path';
import { refuseUnknownOptions, TTL_BOUNDS, WAIT_BOUNDS } from './core/acquire-options.js';
import { systemClock } from './core/clock.js';
import { describeValue } from './core/describe-value.js';
import { type Duration, type DurationBounds, parseDuration } from './core/duration.js';
import { StoreLimits } from './core/store-limits.js';
import { LockOptionsError } from './lock.errors.js';
import {
  QUORUM_OPTIONS,
  type QuorumOptions,
  quorumStoreOf,
  refuseQuorumOptions,
} from './quorum-options.js';
import type { Holder, LockStore } from './stores/lock-store.interface.js';
import { MemoryLockStore } from './stores/memory/memory-lock.store.js';
import { RedisConnection, type RedisSource } from './stores/redis/redis-connection.js';
import { RedisLockStore } from './stores/redis/redis-lock.store.js';

/**
 * The options of `LockModule.forRoot`; all have defaults.
 *
 * @example
 * LockModule.forRoot({ redis: process.env.REDIS_URL, ttl: '30s', wait: '5s' })
 */
export interface LockModuleOptions extends QuorumOptions {
  /**
   * A URL, ioredis options (Sentinel included), or a `Redis` or `Cluster` client of your own, which
   * the module never closes. Default: `redis://localhost:6379`.
   */
  readonly redis?: RedisSource | undefined;
  /**
   * `'memory'` keeps locks in this process alone, for development; or a store of your own.
   * Nothing falls back to memory by itself. Default: `'redis'`.
   */
  readonly store?: 'redis' | 'memory' | LockStore;
  /** What all keys in Redis begin with; services that share locks share it. Default: `lock`. */
  readonly prefix?: string;
  /** How long a lease lasts without renewal, so how long a crash blocks others: 50 ms to 2³¹ − 1 ms. Default: 30 s. */
  readonly ttl?: Duration;
  /** How long `acquire` waits while somebody else holds the name; `Infinity` is allowed. Default: 5 s. */
  readonly wait?: Duration;
  /** After how long without an answer the store counts as unreachable. Default: 2 s. */
  readonly storeTimeout?: Duration;
  /** How long the application's start waits for the store before it fails. Default: 10 s. */
  readonly connectTimeout?: Duration;
  /** How long handlers may go on holding their locks at shutdown. Default: 10 s. */
  readonly drainTimeout?: Duration;
  /** What others see as the holder's service. Default: the package's name, or the started file's. */
  readonly service?: string;
  /**
   * How often this process tells the store what it holds, so that all can be listed: 100 ms to 1 h; `false` for
   * never. Locks held for less than half of it are not told. Default: 2 s.
   */
  readonly reports?: boolean | Duration;
  /** Records where each lock was taken, for the warning about handles never released. Costs time. Default: false. */
  readonly leakStacks?: boolean;
}

/**
 * Makes the options; what `useClass` and `useExisting` name.
 *
 * @example
 * class LockConfig implements LockOptionsFactory {
 *   constructor(private readonly config: ConfigService) {}
 *   createLockOptions() { return { redis: this.config.get('REDIS_URL') }; }
 * }
 */
export interface LockOptionsFactory {
  /** Called once, when the application starts. */
  createLockOptions(): LockModuleOptions | Promise<LockModuleOptions>;
}

/** Module options, checked, with every duration in milliseconds. */
export interface ResolvedLockModuleOptions {
  readonly store: LockStore;
  readonly holder: Holder;
  readonly ttlMs: number;
  readonly waitMs: number;
  readonly storeTimeoutMs: number;
  readonly connectTimeoutMs: number;
  readonly drainTimeoutMs: number;
  readonly leakStacks: boolean;
  /** How often the process reports; `null` for never. */
  readonly reportPeriodMs: number | null;
}

const KNOWN = new Set([
  'redis',
  ...QUORUM_OPTIONS,
  'store',
  'prefix',
  'ttl',
  'wait',
  'storeTimeout',
  'connectTimeout',
  'drainTimeout',
  'service',
  'leakStacks',
  'reports',
]);

const DEFAULT_REPORT_PERIOD_MS = 2_000;

const TIMEOUT_BOUNDS = { min: 1, max: 2 ** 31 - 1 } as const;
const REPORT_BOUNDS = { min: 100, max: 3_600_000 } as const;
const DRAIN_BOUNDS = { min: 0, max: 2 ** 31 - 1 } as const;

/**
 * Checks the module's options, fills in the defaults and makes the store.
 *
 * @throws LockOptionsError for an unknown option, or a value that is none
 */
export function resolveModuleOptions(options: LockModuleOptions): ResolvedLockModuleOptions {
  refuseUnknownOptions(options, KNOWN, 'LockModule');
  const duration = (key: DurationOption, preset: Duration, bounds: DurationBounds): number => {
    const { [key]: value = preset } = options;
    return parseDuration(value, `LockModule option "${key}"`, bounds);
  };
  const ttlMs = duration('ttl', '30s', TTL_BOUNDS);
  const storeTimeoutMs = duration('storeTimeout', '2s', TIMEOUT_BOUNDS);

  const store = storeOf(options, { ttlMs, storeTimeoutMs });
  const problem = new StoreLimits(store).againstLength(ttlMs, '"ttl"');
  if (problem !== undefined) throw new LockOptionsError(`LockModule options: ${problem}`);

  return {
    ttlMs,
    waitMs: duration('wait', '5s', WAIT_BOUNDS),
    storeTimeoutMs,
    connectTimeoutMs: duration('connectTimeout', '10s', TIMEOUT_BOUNDS),
    drainTimeoutMs: duration('drainTimeout', '10s', DRAIN_BOUNDS),
    leakStacks: leakStacksOf(options),
    reportPeriodMs: reportPeriodOf(options),
    holder: { service: serviceOf(options), host: hostname(), pid: process.pid },
    store,
  };
}

type DurationOption = 'ttl' | 'wait' | 'storeTimeout' | 'connectTimeout' | 'drainTimeout';

function serviceOf({ service = defaultService() }: LockModuleOptions): string {
  if (typeof service === 'string' && service !== '') return service;
  throw new LockOptionsError(
    `LockModule option "service" is ${describeValue(service)}; write the service's name, such as 'billing'.`,
  );
}

function defaultService(): string {
  return process.env['npm_package_name'] ?? basename(process.argv[1] ?? 'node');
}

function leakStacksOf({ leakStacks = false }: LockModuleOptions): boolean {
  if (typeof leakStacks === 'boolean') return leakStacks;
  throw new LockOptionsError(
    `LockModule option "leakStacks" is ${describeValue(leakStacks)}; write true or false.`,
  );
}

function reportPeriodOf({ reports = true }: LockModuleOptions): number | null {
  if (reports === false) return null;
  if (reports === true) return DEFAULT_REPORT_PERIOD_MS;
  return parseDuration(reports, 'LockModule option "reports"', REPORT_BOUNDS);
}

function storeOf(
  options: LockModuleOptions,
  times: { readonly ttlMs: number; readonly storeTimeoutMs: number },
): LockStore {
  const { redis, nodes, store = 'redis', prefix = 'lock' } = options;
  refuseBoth({ redis, nodes });
  if (nodes === undefined) refuseQuorumOptions(options);
  if (store === 'redis') {
    const ofKeys = checkedPrefix(prefix);
    if (nodes !== undefined)
      return quorumStoreOf({ ...options, nodes }, { ...times, prefix: ofKeys });
    return new RedisLockStore(new RedisConnection(checkedSource(redis)), ofKeys);
  }
  refuseBoth({ redis, store });
  refuseBoth({ nodes, store });
  if (store === 'memory') return new MemoryLockStore(systemClock);
  if (typeof store === 'object' && typeof store?.acquire === 'function') return store;
  throw new LockOptionsError(
    `LockModule option "store" is ${describeValue(store)}; write 'redis', 'memory' or a LockStore.`,
  );
}

function refuseBoth(options: Readonly<Record<string, unknown>>): void {
  const [one, other] = Object.keys(options).filter((key) => options[key] !== undefined);
  if (other === undefined) return;
  throw new LockOptionsError(
    `LockModule options "${one}" and "${other}": both are given, and only one can be meant. Leave one out.`,
  );
}

/** @throws LockOptionsError if no keys can begin with that */
export function checkedPrefix(prefix: string): string {
  if (typeof prefix === 'string' && prefix !== '' && !/[{}]/.test(prefix)) return prefix;
  throw new LockOptionsError(
    `LockModule option "prefix" is ${describeValue(prefix)}; write a text without braces, such as 'lock'. ` +
      'Braces in it would be the hash tag of every key.',
  );
}

function checkedSource(redis: RedisSource = 'redis://localhost:6379'): RedisSource {
  if (Array.isArray(redis)) {
    throw new LockOptionsError(
      'LockModule option "redis" is a list; write one URL. Several independent servers are the option "nodes".',
    );
  }
  if (typeof redis === 'string' || (typeof redis === 'object' && redis !== null)) return redis;
  throw new LockOptionsError(
    `LockModule option "redis" is ${describeValue(redis)}; write a URL such as 'redis://localhost:6379', ` +
      'options of ioredis, or a client.',
  );
}
