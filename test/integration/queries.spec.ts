import { hostname } from 'node:os';
import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { Redis } from 'ioredis';
import { LockKeyError, LockLostError, type LockService } from 'nestjs-locker';
import { TestLockStore } from 'nestjs-locker/testing';
import { errorOf, eventsOf, lockService, watch } from '../support/lock-service.js';
import { RedisServer } from '../support/redis-server.js';
import { until } from '../support/until.js';

jest.setTimeout(20_000);

let server: RedisServer;
let direct: Redis;
let locks: LockService;
let others: LockService;
beforeAll(async () => {
  server = await RedisServer.start();
  direct = server.client();
});
afterAll(() => server.stop());
beforeEach(async () => {
  await direct.flushall();
  locks = await lockService({ redis: server.url, service: 'billing' });
  others = await lockService({ redis: server.url, service: 'reports', ttl: 600 });
});

describe('inspect', () => {
  it('tells everybody who holds a name, since when, for how long yet, and the token', async () => {
    const lock = await locks.acquire('a', { ttl: '10s' });
    const [seconds] = await direct.time();
    for (const asker of [locks, others]) {
      const lease = await asker.inspect('a');
      expect(lease).toEqual({
        holder: { service: 'billing', host: hostname(), pid: process.pid },
        fencingToken: lock.fencingToken,
        since: expect.any(Date),
        remainingMs: expect.any(Number),
        units: 0,
      });
      expect(Math.abs(lease!.since.getTime() - Number(seconds) * 1_000)).toBeLessThan(60_000);
      expect(lease!.remainingMs).toBeGreaterThan(0);
      expect(lease!.remainingMs).toBeLessThanOrEqual(10_000);
    }
  });

  it('answers null for a free name, and takes nothing', async () => {
    expect(await locks.inspect('a')).toBeNull();
    expect(await direct.keys('*lease*')).toEqual([]);
  });

  it.each(['inspect', 'forceRelease'] as const)('refuses what is no name (%s)', async (query) => {
    expect(await errorOf(locks[query](''))).toBeInstanceOf(LockKeyError);
    expect(await errorOf(locks[query](undefined as never))).toBeInstanceOf(LockKeyError);
  });
});

describe('forceRelease', () => {
  it('takes the lock of another service, which is told with its next renewal', async () => {
    const lost = eventsOf(others);
    const lock = await others.acquire('a');
    const forced = eventsOf(locks);
    const former = await locks.forceRelease('a');
    expect(former).toMatchObject({
      holder: { service: 'reports' },
      fencingToken: lock.fencingToken,
    });
    expect(await locks.inspect('a')).toBeNull();
    expect(forced).toEqual([{ type: 'forced', name: 'a', holder: former }]);

    await until(() => lock.signal.aborted, { what: 'the holder is told' });
    expect(lock.signal.reason).toMatchObject({ reason: 'forced' });
    expect(lost.at(-1)).toMatchObject({ type: 'lost', reason: 'forced' });
  });

  it('wakes those of its own process who wait', async () => {
    const store = new TestLockStore();
    const waiting = await lockService({ store });
    await store.busy('a');
    const lock = watch(waiting.acquire('a'));
    await store.clock.advance(1);
    await waiting.forceRelease('a');
    const settled = until(() => lock.settled, {
      what: 'the waiter has it, while time stands still',
    });
    await expect(settled).resolves.toBeUndefined();
  });

  it('tells the holder even when somebody else holds the name by then', async () => {
    const lock = await others.acquire('a');
    await locks.forceRelease('a');
    const next = await locks.acquire('a');
    await until(() => lock.signal.aborted, { what: 'the holder is told' });
    expect(lock.signal.reason).toMatchObject({ reason: 'forced' });
    expect(await lock.release()).toBe('taken-over');
    expect(next.isHeld).toBe(true);
    expect(await locks.inspect('a')).toMatchObject({ fencingToken: next.fencingToken });
  });

  it('tells a holder of this service at once', async () => {
    const events = eventsOf(locks);
    const lock = await locks.acquire('a');
    const another = await locks.acquire('b');
    await locks.forceRelease('a');
    expect(lock.isHeld).toBe(false);
    expect(lock.signal.reason).toBeInstanceOf(LockLostError);
    expect(lock.signal.reason).toMatchObject({ reason: 'forced' });
    expect(another.isHeld).toBe(true);
    expect(events.map(({ type }) => type)).toEqual(['acquired', 'acquired', 'forced', 'lost']);
    expect(locks.held().map(({ name }) => name)).toEqual(['b']);
  });

  it('answers null where nobody holds the name, and tells nothing', async () => {
    const events = eventsOf(locks);
    expect(await locks.forceRelease('a')).toBeNull();
    const lock = await locks.acquire('a');
    await lock.release();
    expect(await locks.forceRelease('a')).toBeNull();
    expect(events.map(({ type }) => type)).toEqual(['acquired', 'released']);
  });

  it('lets a waiter have the name', async () => {
    await others.acquire('a', { ttl: '1 minute' });
    const waiting = locks.acquire('a', { wait: '15s' });
    await locks.forceRelease('a');
    expect((await waiting).isHeld).toBe(true);
  });
});

describe('held', () => {
  it('lists the locks of this service alone, while they are held', async () => {
    const store = new TestLockStore();
    const service = await lockService({ store });
    expect(service.held()).toEqual([]);
    const a = await service.acquire('a');
    await store.clock.advance('5s');
    const b = await service.acquire('b', { ttl: '1 minute' });
    const c = await service.acquire('c');
    await (await lockService({ store })).acquire('of another service');
    expect(service.held()).toEqual([
      { name: 'a', fencingToken: a.fencingToken, heldMs: 5_000, remainingMs: a.remainingMs },
      { name: 'b', fencingToken: b.fencingToken, heldMs: 0, remainingMs: b.remainingMs },
      { name: 'c', fencingToken: c.fencingToken, heldMs: 0, remainingMs: c.remainingMs },
    ]);
    await a.release();
    await store.forceLose('c');
    expect(service.held().map(({ name }) => name)).toEqual(['b']);
    store.clock.freeze('2 minutes');
    expect(service.held()).toEqual([]);
  });
});
