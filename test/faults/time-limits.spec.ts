import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { Redis, RedisOptions } from 'ioredis';
import { LockBusyError, type LockService, LockStoreError, LockTimeoutError } from 'nestjs-locker';
import { ManualClock } from 'nestjs-locker/testing';
import {
  afterTest,
  ClockedRedisStore,
  errorOf,
  lockService,
  watch,
} from '../support/lock-service.js';
import { RedisServer } from '../support/redis-server.js';
import { until } from '../support/until.js';

jest.setTimeout(30_000);

const STORE_TIMEOUT = 2_000;

let server: RedisServer;
beforeEach(async () => {
  server = await RedisServer.start();
});
afterEach(() => server.stop());

/** Settings of a user's client under which it keeps a command for long, for ever, or not at all. */
const clients: [string, RedisOptions][] = [
  ['the default settings', {}],
  ['maxRetriesPerRequest: null', { maxRetriesPerRequest: null }],
  ['enableOfflineQueue: false', { enableOfflineQueue: false }],
];

const operations: [string, (locks: LockService) => Promise<unknown>][] = [
  ['acquire', (locks) => locks.acquire('invoice:42', { wait: '1 minute' })],
  ['acquire without a wait', (locks) => locks.acquire('invoice:42', { wait: 0 })],
  ['acquire with a wait without end', (locks) => locks.acquire('invoice:42', { wait: Infinity })],
  ['tryAcquire', (locks) => locks.tryAcquire('invoice:42')],
  ['withLock', (locks) => locks.withLock('invoice:42', () => 'done')],
  ['inspect', (locks) => locks.inspect('invoice:42')],
  ['forceRelease', (locks) => locks.forceRelease('invoice:42')],
];

async function clockedService(client: Redis, clock: ManualClock): Promise<LockService> {
  if (client.status !== 'ready') await once(client, 'ready');
  const store = new ClockedRedisStore(client, clock);
  return lockService({ store, storeTimeout: STORE_TIMEOUT, ttl: '10 minutes' });
}

describe.each(clients)('with a client of %s', (_name, options) => {
  let clock: ManualClock;
  let client: Redis;
  let locks: LockService;
  beforeEach(async () => {
    clock = new ManualClock();
    client = server.client(options);
    locks = await clockedService(client, clock);
  });

  it.each(operations)('%s fails at its limit while the server hangs', async (_what, operate) => {
    server.pause();
    const call = watch(operate(locks));
    await clock.advance(STORE_TIMEOUT - 1);
    expect(call.settled).toBe(false);
    await clock.advance(1);
    expect(call.error).toBeInstanceOf(LockStoreError);
  });

  it.each(operations)(
    '%s fails within its limit when the server is gone',
    async (_what, operate) => {
      const closed = once(client, 'close');
      await server.kill();
      await closed;
      const call = watch(operate(locks));
      await clock.advance(STORE_TIMEOUT);
      expect(call.error).toBeInstanceOf(LockStoreError);
    },
  );

  it('release and extend fail at their limit, too', async () => {
    const lock = await locks.acquire('invoice:42');
    server.pause();
    const extend = watch(lock.extend('5 minutes'));
    const release = watch(lock.release());
    await clock.advance(STORE_TIMEOUT - 1);
    expect([extend.settled, release.settled]).toEqual([false, false]);
    await clock.advance(1);
    expect(extend.error).toBeInstanceOf(LockStoreError);
    expect(release.error).toBeInstanceOf(LockStoreError);
    server.resume();
  });
});

describe('a client of our own', () => {
  it('fails within storeTimeout of real time, and tells why', async () => {
    const locks = await lockService({ redis: server.url, storeTimeout: 200 });
    await server.kill();
    const tells = async () => /ECONNREFUSED/.test(String(await errorOf(locks.inspect('a'))));
    await until(tells, { what: 'the message has the reason' });
    await expect(locks.tryAcquire('a')).rejects.toThrow(LockStoreError);
    await expect(locks.acquire('a', { wait: '1 minute' })).rejects.toThrow(
      new RegExp(`^The lock store \\(Redis at 127.0.0.1:${server.port}\\) could not acquire "a": `),
    );
  });

  it('works again once the server is back', async () => {
    const locks = await lockService({ redis: server.url, storeTimeout: 200 });
    await server.kill();
    await expect(locks.acquire('a')).rejects.toThrow(LockStoreError);
    await server.restart();
    const isBack = () =>
      locks.inspect('a').then(
        () => true,
        () => false,
      );
    await until(isBack, { what: 'the store answers', timeoutMs: 10_000 });
    expect(await locks.withLock('a', () => 'done')).toBe('done');
  });

  it('lets the start of the application fail after connectTimeout', async () => {
    await server.kill();
    const start = lockService({ redis: server.url, connectTimeout: 200 });
    await expect(start).rejects.toThrow(LockStoreError);
    await expect(start).rejects.toThrow(/no answer within 200 ms.*check that the store is up/s);
  });
});

describe('busy, timed out and out of reach', () => {
  it('are told apart by their class', async () => {
    const locks = await lockService({ redis: server.url, storeTimeout: 300 });
    const others = await lockService({ redis: server.url, service: 'billing' });
    await others.acquire('a');

    const busy = await errorOf(locks.acquire('a', { wait: 0 }));
    expect(busy).toBeInstanceOf(LockBusyError);
    expect(busy).not.toBeInstanceOf(LockTimeoutError);
    expect(busy).toMatchObject({ code: 'LOCK_BUSY', holder: { holder: { service: 'billing' } } });
    expect(String(busy)).toContain('held by billing');

    const timedOut = await errorOf(locks.acquire('a', { wait: 20 }));
    expect(timedOut).toBeInstanceOf(LockTimeoutError);
    expect(timedOut).toBeInstanceOf(LockBusyError);
    expect(timedOut).toMatchObject({ code: 'LOCK_TIMEOUT', lockName: 'a' });

    server.pause();
    afterTest(() => server.resume());
    const unreachable = await errorOf(locks.acquire('a', { wait: 20 }));
    expect(unreachable).toBeInstanceOf(LockStoreError);
    expect(unreachable).not.toBeInstanceOf(LockBusyError);
    expect(unreachable).toMatchObject({ code: 'LOCK_STORE_UNREACHABLE' });
  });
});
