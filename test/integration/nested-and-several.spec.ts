import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { LockService } from 'nestjs-locker';
import { errorOf, eventsOf, lockApp, lockService, watch } from '../support/lock-service.js';
import { RedisServer } from '../support/redis-server.js';
import { until } from '../support/until.js';
import { nothingRemains, queueOf } from '../support/queue.js';

jest.setTimeout(20_000);
let server: RedisServer;
let direct: Redis;
beforeAll(async () => {
  server = await RedisServer.start();
  direct = server.client();
});
afterAll(() => server.stop());
beforeEach(() => direct.flushall());
const service = () => lockService({ redis: server.url });

describe('several names, nested locks and detached ones', () => {
  it('a nested call for several names keeps what it has joined, also when its parent ends before it has all', async () => {
    const locks = await service();
    const other = await service();
    const b = await other.acquire('b');
    let nested!: Promise<unknown>;
    let heldInWork: boolean | undefined;
    let aloneInWork: boolean | undefined;
    await locks.withLock('a', async () => {
      nested = locks.withLock(
        ['a', 'b'],
        async (lock) => {
          heldInWork = lock.isHeld;
          const second = await other.tryAcquire('a');
          aloneInWork = second === null;
          await second?.release();
        },
        { wait: 5_000 },
      );
      nested.catch(() => undefined);
      await queueOf(direct, 'b', 1);
    });
    await b.release();
    const result = await nested.then(
      () => 'ok',
      (e: unknown) => e,
    );
    expect({ heldInWork, aloneInWork, result }).toEqual({
      heldInWork: true,
      aloneInWork: true,
      result: 'ok',
    });
  });

  it('several names of which one must not be joined leave nothing behind', async () => {
    const locks = await service();
    await locks.withLock('b', async () => {
      expect(await errorOf(locks.acquire(['a', 'b'], { reentrant: false }))).toMatchObject({
        code: 'LOCK_REENTRY',
      });
      await sleep(200);
      expect(locks.held().map(({ name }) => name)).toEqual(['b']);
    });
    await nothingRemains(direct);
  });

  it('several names of which one is held as shared leave nothing behind', async () => {
    const locks = await service();
    await locks.withLock(
      'b',
      async () => {
        expect(await errorOf(locks.acquire(['a', 'b']))).toMatchObject({ code: 'LOCK_REENTRY' });
        await sleep(200);
        expect(locks.held().map(({ name }) => name)).toEqual(['b']);
      },
      { mode: 'shared' },
    );
    await nothingRemains(direct);
  });

  it('one of several that is lost while another is waited for starts no work', async () => {
    const locks = await service();
    const other = await service();
    const b = await other.acquire('b');
    let ran = false;
    const call = watch(
      locks.withLock(
        ['a', 'b'],
        (lock) => {
          ran = true;
          return lock.isHeld;
        },
        { wait: 5_000 },
      ),
    );
    await queueOf(direct, 'b', 1);
    await until(() => locks.held().length === 1, { what: 'a held' });
    await locks.forceRelease('a');
    await b.release();
    await until(() => call.settled, { what: 'settled' });
    expect({ ran, error: (call.error as Error)?.name }).toEqual({
      ran: false,
      error: 'LockLostError',
    });
  });

  it('several names of which one is lost while they are worked under are given back with the work', async () => {
    const locks = await service();
    let signal: AbortSignal | undefined;
    const work = locks.withLock('b', async () => {
      const inner = locks.withLock(
        ['a', 'b', 'c'],
        async (lock) => {
          await (await service()).forceRelease('a');
          await until(() => lock.signal.aborted, { what: 'the loss is told', timeoutMs: 10_000 });
          ({ signal } = lock);
        },
        { ttl: 600 },
      );
      expect(await errorOf(inner)).toMatchObject({ code: 'LOCK_LOST', lockName: 'a' });
      expect(locks.held().map(({ name }) => name)).toEqual(['b']); // its own
    });
    await work;
    expect(signal!.reason).toMatchObject({ reason: 'forced' });
    expect(locks.held()).toEqual([]);
    await nothingRemains(direct);
  });

  it('a lock that was attached leaves no lease behind at maxHold', async () => {
    const locks = await service();
    const text = (await locks.acquire('a', { ttl: 30_000, maxHold: 1_000 })).detach();
    const lock = await locks.attach(text);
    await until(() => !lock.isHeld, { what: 'lost' });
    await sleep(300);
    expect(await locks.inspect('a')).toBeNull();
  });

  it('the time on the way counts towards maxHold', async () => {
    const locks = await service();
    const start = performance.now();
    const text = (await locks.acquire('a', { ttl: 1_000, maxHold: 1_000 })).detach();
    await sleep(800);
    const lock = await locks.attach(text);
    await until(() => !lock.isHeld, { what: 'lost' });
    expect(performance.now() - start).toBeLessThan(1_100);
  });

  it('an attach that is under way at shutdown gives no lock', async () => {
    const app = await lockApp({ redis: server.url });
    const locks = app.get(LockService);
    const text = (await locks.acquire('a', { ttl: 5_000 })).detach();
    server.pause();
    const attaching = watch(locks.attach(text));
    await sleep(50);
    const closing = app.close();
    await sleep(50);
    server.resume();
    await closing;
    await until(() => attaching.settled, { what: 'the attach has ended' });
    expect(attaching.value).toBeUndefined();
  });

  it('several names tell of what is held in the end, and not of the tries', async () => {
    const locks = await service();
    const other = await service();
    const events = eventsOf(locks);
    const b = await other.acquire('b');
    const call = watch(locks.acquire(['a', 'b', 'c'], { wait: 5_000 }));
    await queueOf(direct, 'b', 1);
    await b.release();
    await until(() => call.settled, { what: 'settled' });
    await call.value!.release();
    expect(events.map(({ type, ...e }) => `${type} ${'name' in e ? e.name : ''}`)).toEqual([
      'acquired a',
      'acquired b',
      'acquired c',
      'released a',
      'released b',
      'released c',
    ]);
  });
});
