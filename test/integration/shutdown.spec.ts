import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { TestingModule } from '@nestjs/testing';
import type { Redis } from 'ioredis';
import { LockDrainingError, LockLostError, LockService } from 'nestjs-locker';
import type { Lock } from 'nestjs-locker';
import { TestLockStore } from 'nestjs-locker/testing';
import { leaseIn } from '../support/lease-end.js';
import {
  Deferred,
  errorOf,
  eventsOf,
  lockApp,
  RecordingLogger,
  watch,
} from '../support/lock-service.js';
import { Child } from '../support/child-process.js';
import { RedisServer } from '../support/redis-server.js';
import { until } from '../support/until.js';

jest.setTimeout(30_000);

describe('shutdown, on a clock of the test', () => {
  let store: TestLockStore;
  let app: TestingModule;
  let locks: LockService;
  const start = async (drainTimeout: number) => {
    store = new TestLockStore();
    app = await lockApp({ store, drainTimeout });
    locks = app.get(LockService);
  };

  it('refuses new locks, also for a free name', async () => {
    await start(1_000);
    const held = await locks.acquire('held');
    const closing = watch(app.close());
    await store.clock.advance(0);
    for (const take of [
      locks.acquire('a'),
      locks.acquire('a', { wait: 0 }),
      locks.tryAcquire('a'),
      locks.withLock('a', () => 'done'),
    ]) {
      expect(await errorOf(take)).toBeInstanceOf(LockDrainingError);
    }
    expect(await leaseIn(store, 'a')).toBeNull();
    expect(closing.settled).toBe(false);
    await held.release();
    await until(() => closing.settled, { what: 'it is closed' });
  });

  it('rejects waiters at once, whether first or not', async () => {
    await start(1_000);
    await store.busy('a');
    const waiters = [locks.acquire('a'), locks.acquire('a', { wait: Infinity })].map(watch);
    await store.clock.advance(100);
    const closing = watch(app.close());
    await store.clock.advance(0);
    for (const { error } of waiters) expect(error).toBeInstanceOf(LockDrainingError);
    expect(closing.settled).toBe(true);
  });

  it('gives back what an acquire on its way is still granted', async () => {
    await start(1_000);
    store.fail('acquire', { error: 'hang', applied: true });
    const acquire = watch(locks.acquire('a'));
    await store.clock.advance(0);
    expect(await leaseIn(store, 'a')).not.toBeNull();
    const closing = watch(app.close());
    await store.clock.advance(0);
    expect(acquire.error).toBeInstanceOf(LockDrainingError);
    expect(await leaseIn(store, 'a')).toBeNull();
    expect(closing.settled).toBe(true);
  });

  it('lets handlers end within drainTimeout, with their locks renewed', async () => {
    await start(60_000);
    const work = new Deferred<string>();
    const call = watch(locks.withLock('a', () => work.promise));
    await store.clock.advance(0);
    const closing = watch(app.close());
    await store.clock.advance(59_000);
    expect(closing.settled).toBe(false);
    expect(await leaseIn(store, 'a')).not.toBeNull();
    work.resolve('done');
    await until(() => closing.settled, { what: 'it is closed' });
    expect(call.value).toBe('done');
    expect(await leaseIn(store, 'a')).toBeNull();
  });

  it('aborts what is left after drainTimeout, and gives its locks back', async () => {
    await start(5_000);
    const events = eventsOf(locks);
    let lock!: Lock;
    const work = new Deferred<string>();
    const call = watch(
      locks.withLock('a', (held) => {
        lock = held;
        return work.promise;
      }),
    );
    const bare = await locks.acquire('b');
    const closing = watch(app.close());
    await store.clock.advance(4_999);
    expect([lock.signal.aborted, bare.signal.aborted, closing.settled]).toEqual([
      false,
      false,
      false,
    ]);
    await store.clock.advance(1);
    expect(lock.signal.reason).toMatchObject({ reason: 'shutdown', lockName: 'a' });
    expect(bare.signal.reason).toMatchObject({ reason: 'shutdown', lockName: 'b' });
    expect(await leaseIn(store, 'a')).toBeNull();
    expect(await leaseIn(store, 'b')).toBeNull();
    expect(closing.settled).toBe(true);
    expect(events.map(({ type, name }: any) => `${type} ${name}`)).toEqual([
      'acquired a',
      'acquired b',
      'lost a',
      'lost b',
    ]);
    work.resolve('too late');
    await until(() => call.settled, { what: 'the handler has ended' });
    expect(call.error).toBeInstanceOf(LockLostError);
    expect(call.error).toMatchObject({ reason: 'shutdown', result: 'too late' });
  });

  it('waits for no handler that has ended, nor for a lock that is lost', async () => {
    await start(5_000);
    await locks.withLock('a', () => 'done');
    await locks.acquire('b');
    await store.forceLose('b');
    const closing = watch(app.close());
    await store.clock.advance(0);
    expect(closing.settled).toBe(true);
  });

  it('ends within the time limits when the store hangs', async () => {
    await start(1_000);
    await locks.acquire('a');
    for (const step of ['acquire', 'renew', 'release'] as const) {
      store.fail(step, { error: 'hang', times: 100 });
    }
    const waiter = watch(locks.acquire('a'));
    const closing = watch(app.close());
    // drainTimeout, and then storeTimeout for the last try to give the lease back.
    await store.clock.advance(2_999);
    expect(waiter.error).toBeInstanceOf(LockDrainingError);
    expect(closing.settled).toBe(false);
    await store.clock.advance(1);
    expect(closing.settled).toBe(true);
    expect(closing.error).toBeUndefined();
  });
});

describe('shutdown, on a real Redis', () => {
  let server: RedisServer;
  let direct: Redis;
  beforeEach(async () => {
    server = await RedisServer.start();
    direct = server.client();
  });
  afterEach(() => server.stop());

  const connections = async () => {
    const list = String(await direct.client('LIST'));
    return list.split('\n').filter((line) => line.includes('name=nestjs-locker')).length;
  };

  it('gives every lease back and closes the connections that the module has made', async () => {
    const app = await lockApp({ redis: server.url, drainTimeout: 50 });
    const locks = app.get(LockService);
    expect(await connections()).toBe(1);
    await Promise.all(['a', 'b', 'c'].map((name) => locks.acquire(name)));
    await app.close();
    expect(await direct.keys('lock:*:lease:*')).toEqual([]);
    await until(async () => (await connections()) === 0, { what: 'the connection is closed' });
  });

  it("leaves the user's own client open", async () => {
    const client = server.client();
    const app = await lockApp({ redis: client });
    const lock = await app.get(LockService).acquire('a');
    await app.close();
    expect(lock.signal.aborted).toBe(true);
    expect(client.status).toBe('ready');
    expect(await client.exists('a')).toBe(0);
    expect(await client.keys('lock:*:lease:*')).toEqual([]);
  });

  it("leaves the user's own client open when the application does not start", async () => {
    const client = server.client();
    await client.config('SET', 'maxmemory', '1');
    await expect(lockApp({ redis: client, connectTimeout: 500 })).rejects.toThrow('OOM');
    expect(client.status).toBe('ready');
  });

  it('closes its connection when the application does not start', async () => {
    await direct.config('SET', 'maxmemory', '1');
    await expect(lockApp({ redis: server.url, connectTimeout: 500 })).rejects.toThrow('OOM');
    await until(async () => (await connections()) === 0, { what: 'the connection is closed' });
  });

  it.each(['hangs', 'is gone'])('does not hang when Redis %s', async (how) => {
    const logger = new RecordingLogger();
    const limits = { drainTimeout: 50, storeTimeout: 200 };
    const app = await lockApp({ redis: server.url, logger, ...limits });
    const locks = app.get(LockService);
    const lock = await locks.acquire('a');
    const call = watch(locks.withLock('b', () => new Promise(() => undefined)));
    const waiter = watch(locks.acquire('a', { wait: Infinity }));
    await until(() => locks.held().length === 2, { what: 'both are held' });
    if (how === 'hangs') server.pause();
    else await server.kill();
    await app.close();
    expect(lock.signal.aborted).toBe(true);
    expect(waiter.settled).toBe(true);
    expect(call.settled).toBe(false);
    expect(logger.lines.join()).not.toContain('could not close');
    server.resume();
    // It is not heard of again.
    if (how === 'hangs') {
      await until(async () => (await connections()) === 0, { what: 'the connection is closed' });
    }
  });

  it.each(['answers', 'hangs', 'is gone'])(
    'leaves nothing that keeps the process alive when Redis %s',
    async (how) => {
      const program = new URL('./fixtures/closes-when-told.ts', import.meta.url);
      const child = Child.start(program, server.url);
      await child.told('ready');
      if (how === 'hangs') server.pause();
      if (how === 'is gone') await server.kill();
      child.write('close');
      expect(await child.told('closed')).toMatchObject({ aborted: true });
      expect(await child.exit(10_000)).toEqual({ code: 0, errors: '' });
    },
  );
});
