import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { LockBusyError, LockService, LockStoreError } from 'nestjs-locker';
import { ManualClock, TestLockStore } from 'nestjs-locker/testing';
import {
  afterTest,
  errorOf,
  lockApp,
  lockService,
  RecordingLogger,
} from '../support/lock-service.js';
import { HOST, RedisServer } from '../support/redis-server.js';
import { until } from '../support/until.js';

describe('while the store is silent', () => {
  it('every waiter of a process is told so, and none that the lock is busy', async () => {
    const store = new TestLockStore();
    const locks = await lockService({ store, wait: '5s', storeTimeout: '2s' });
    store.fail('acquire', { error: 'hang', times: 100 });
    const errors = Array.from({ length: 5 }, () => errorOf(locks.acquire('a')));
    const attempt = errorOf(locks.tryAcquire('a'));
    await store.clock.advance('8s');
    for (const error of await Promise.all([...errors, attempt])) {
      expect(error).toBeInstanceOf(LockStoreError);
    }
  });

  it('a waiter that knows the holder goes on to say busy', async () => {
    const store = new TestLockStore();
    const locks = await lockService({ store, wait: '1s' });
    await store.busy('a');
    const errors = Array.from({ length: 3 }, () => errorOf(locks.acquire('a')));
    await store.clock.advance('2s');
    for (const error of await Promise.all(errors)) {
      expect(error).toBeInstanceOf(LockBusyError);
      expect(error).toMatchObject({ holder: { holder: { service: 'somebody-else' } } });
    }
  });

  it('renewals that fail are logged once a second at most', async () => {
    const logger = new RecordingLogger();
    const store = new TestLockStore();
    const locks = await lockService({ store, logger, ttl: '30s' });
    await locks.acquire('a');
    store.fail('renew', { times: 20 });
    await store.clock.advance('20s');
    expect(logger.lines.filter((line) => line.includes('Renewing'))).toHaveLength(1);
  });
});

describe('a logger that throws', () => {
  it('costs no lock its signal', async () => {
    const store = new TestLockStore(new ManualClock());
    const logger = new RecordingLogger();
    logger.warn = () => {
      throw new Error('the disk is full');
    };
    const locks = await lockService({ store, logger });
    const lock = await locks.acquire('a');
    const { signal } = lock;
    await store.forceLose('a');
    expect(signal.aborted).toBe(true);
    const next = await locks.acquire('b');
    await store.clock.advance('5 minutes');
    expect(next.isHeld).toBe(true);
  });
});

describe('connectTimeout', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await RedisServer.start();
  });
  afterAll(() => server.stop());

  it('is how long the start waits for a server that comes late', async () => {
    const late = await RedisServer.start();
    afterTest(() => late.stop());
    await late.kill();
    const starting = lockApp({ redis: { host: HOST, port: late.port, maxRetriesPerRequest: 0 } });
    const [app] = await Promise.all([starting, late.restart()]);
    expect(await app.get(LockService).withLock('a', () => 'done')).toBe('done');
  });

  it('holds for a client that has no offline queue', async () => {
    const redis = new Redis(server.url, { enableOfflineQueue: false });
    afterTest(() => redis.disconnect());
    const locks = await lockService({ redis });
    expect(await locks.withLock('a', () => 'done')).toBe('done');
  });
});

describe("a key of another type in a lease's place", () => {
  it('does not cost the other locks of its batch', async () => {
    const server = await RedisServer.start();
    afterTest(() => server.stop());
    const locks = await lockService({ redis: server.url, ttl: 600 });
    const [broken, healthy] = [await locks.acquire('broken'), await locks.acquire('healthy')];
    const client = server.client();
    const [key] = await client.keys('lock:*:lease:broken');
    await client.multi().del(key!).set(key!, 'not ours').exec();
    await until(() => broken.signal.aborted, { what: 'the loss is told' });
    expect(broken.signal.reason).toMatchObject({ reason: 'taken-over' });
    const tokenBefore = healthy.fencingToken;
    await until(async () => (await locks.inspect('healthy'))!.remainingMs > 500, {
      what: 'the other lock is renewed',
    });
    expect(healthy.isHeld && healthy.fencingToken === tokenBefore).toBe(true);
  });
});
