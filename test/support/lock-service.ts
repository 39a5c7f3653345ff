import { afterEach } from '@jest/globals';
import type { LoggerService, Provider } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { type Clock, type LockEvent, LockModule, LockService } from 'nestjs-locker';
import type { LockModuleOptions, RedisSource } from 'nestjs-locker';
import { ManualClock } from 'nestjs-locker/testing';
import { RedisConnection } from '../../lib/stores/redis/redis-connection.js';
import { RedisLockStore } from '../../lib/stores/redis/redis-lock.store.js';
import { until } from './until.js';

const cleanups: (() => unknown)[] = [];

/** Has it done when the present test is over, the latest first. */
export function afterTest(cleanup: () => unknown): void {
  cleanups.push(cleanup);
}

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** Keeps what was logged; each line begins with its level. */
export class RecordingLogger implements LoggerService {
  readonly lines: string[] = [];

  log(message: unknown): void {
    this.lines.push(`log ${String(message)}`);
  }

  warn(message: unknown): void {
    this.lines.push(`warn ${String(message)}`);
  }

  error(message: unknown): void {
    this.lines.push(`error ${String(message)}`);
  }

  debug(message: unknown): void {
    this.lines.push(`debug ${String(message)}`);
  }
}

export interface LockAppOptions extends LockModuleOptions {
  readonly providers?: Provider[];
  readonly logger?: LoggerService;
}

/** An application with a `LockModule`, closed after the test. Handlers get no time at its end unless told. */
export async function lockApp(options: LockAppOptions): Promise<TestingModule> {
  const { providers = [], logger = new RecordingLogger(), ...moduleOptions } = options;
  const app = await Test.createTestingModule({
    imports: [LockModule.forRoot({ drainTimeout: 0, ...moduleOptions })],
    providers,
  })
    .setLogger(logger)
    .compile();
  await app.init();
  afterTest(() => closeApp(app, moduleOptions.store));
  return app;
}

/** Limits that count by a clock of the test's own pass only if that goes on. */
async function closeApp(app: TestingModule, store: LockModuleOptions['store']): Promise<void> {
  const closing = watch(app.close());
  const clock = typeof store === 'object' ? store.clock : undefined;
  if (clock instanceof ManualClock) {
    await until(() => clock.advance('1s').then(() => closing.settled), { what: 'it is closed' });
  }
  await until(() => closing.settled, { what: 'the application is closed', timeoutMs: 15_000 });
  if (closing.error) throw closing.error;
}

/** The `LockService` of an application of its own. */
export async function lockService(options: LockAppOptions): Promise<LockService> {
  return (await lockApp(options)).get(LockService);
}

/** All that happens from now on. */
export function eventsOf(locks: LockService): LockEvent[] {
  const events: LockEvent[] = [];
  locks.events$.subscribe((event) => events.push(event));
  return events;
}

/** A Redis store whose service counts by a clock of the test's own; the server goes on by its own. */
export class ClockedRedisStore extends RedisLockStore {
  constructor(
    redis: RedisSource,
    readonly clock: Clock,
    prefix = 'lock',
  ) {
    super(new RedisConnection(redis), prefix);
  }
}

/** A promise that is settled from outside. */
export class Deferred<T = void> {
  readonly promise: Promise<T>;
  resolve!: (value: T) => void;
  reject!: (error: unknown) => void;

  constructor() {
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }
}

/** What a promise comes to, kept so that a rejection is handled from the start. */
export interface Watched<T> {
  readonly settled: boolean;
  readonly value: T | undefined;
  readonly error: unknown;
}

/** Looks on while a promise settles. */
export function watch<T>(promise: Promise<T>): Watched<T> {
  const watched: { -readonly [K in keyof Watched<T>]: Watched<T>[K] } = {
    settled: false,
    value: undefined,
    error: undefined,
  };
  promise.then(
    (value) => Object.assign(watched, { settled: true, value }),
    (error: unknown) => Object.assign(watched, { settled: true, error }),
  );
  return watched;
}

/** The error that a promise is rejected with. */
export async function errorOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('it was expected to fail');
}
