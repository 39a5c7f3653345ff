import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { Redis } from 'ioredis';
import { type Lock, LockLostError, LockReleasedError, LockStoreError } from 'nestjs-locker';
import { leaseEnd, leaseKey, passed } from '../support/lease-end.js';
import { afterTest, errorOf, eventsOf, lockService } from '../support/lock-service.js';
import { RedisServer } from '../support/redis-server.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { until } from '../support/until.js';

jest.setTimeout(60_000);

const NAME = 'invoice:42';

let server: RedisServer;
let direct: Redis;
let proxy: TcpProxy;

beforeAll(async () => {
  server = await RedisServer.start();
  direct = server.client();
});
afterAll(() => server.stop());
beforeEach(async () => {
  await direct.flushall();
  proxy = await TcpProxy.start(server.port);
  afterTest(() => proxy.stop());
});

/** What was dropped cannot be followed by more on the same connection: TCP leaves no gaps. */
function heal(): void {
  proxy.cut();
  proxy.dropReplies = false;
}

const service = () => lockService({ redis: proxy.url, storeTimeout: 300 });
const aborts = (lock: Lock) => until(() => lock.signal.aborted, { what: 'the signal aborts' });
const isTaken = async () => (await direct.exists(leaseKey(NAME))) === 1;

/** Looks at a lock until it ends: what it says at each time must agree. */
async function watchToTheEnd(lock: Lock): Promise<number[]> {
  const remaining: number[] = [];
  const contradictions: unknown[] = [];
  const look = () => {
    // In this order: it may end between the two, but not begin again.
    const { remainingMs, isHeld } = lock;
    if (isHeld ? remainingMs <= 0 : lock.remainingMs !== 0) contradictions.push(remainingMs);
    remaining.push(remainingMs);
    return !isHeld;
  };
  await until(look, { what: 'the lock ends', timeoutMs: 20_000 });
  expect(contradictions).toEqual([]);
  expect(() => lock.assertHeld()).toThrow(LockLostError);
  return remaining;
}

describe('maxHold', () => {
  it('ends a lock that renewals would keep, here and in Redis', async () => {
    const locks = await service();
    const start = performance.now();
    const maxHold = 2_200; // 1.5 ttls: uncapped, the second renewal would reach beyond it
    const lock = await locks.acquire(NAME, { ttl: 1_500, maxHold });
    const acquired = performance.now();
    const first = await leaseEnd(direct, NAME);
    await until(async () => (await leaseEnd(direct, NAME)) > first + 10, { what: 'it is renewed' });
    let last = first;
    const ended = watchToTheEnd(lock);
    while (lock.isHeld) last = await leaseEnd(direct, NAME).catch(() => last);
    await ended;
    expect(lock.signal.reason).toMatchObject({ reason: 'max-hold' });
    // Longer than one ttl, and no longer than allowed, but for what commands take on their way;
    // uncapped it would be 300 ms more.
    expect(last).toBeGreaterThan(start + 1_500);
    expect(last).toBeLessThan(acquired + maxHold + 200);
    await until(async () => !(await isTaken()), { what: 'Redis has let go of it' });
    expect(await lock.release()).toBe('expired');
  });

  it('shortens the lease when it is below the ttl', async () => {
    const locks = await service();
    const lock = await locks.acquire(NAME, { ttl: '1 minute', maxHold: 500 });
    expect((await locks.inspect(NAME))!.remainingMs).toBeLessThanOrEqual(500);
    const remaining = await watchToTheEnd(lock);
    expect(Math.max(...remaining)).toBeLessThanOrEqual(500);
    expect(lock.signal.reason).toMatchObject({ reason: 'max-hold' });
  });
});

describe('renew: false', () => {
  it('ends the lock when its ttl has passed, without a command', async () => {
    const locks = await service();
    const lock = await locks.acquire(NAME, { ttl: 600, renew: false });
    const end = await leaseEnd(direct, NAME);
    const requests: string[] = [];
    proxy.onRequest = (data) => requests.push(data.toString());
    expect(performance.now() + lock.remainingMs).toBeLessThan(end);
    await watchToTheEnd(lock);
    await passed(end);
    expect(lock.signal.reason).toMatchObject({ reason: 'not-renewed' });
    expect(requests.filter((request) => request.includes('evalsha'))).toEqual([]);
  });
});

describe('after a release', () => {
  it('the signal stays quiet, also past the ttl and beside a renewal under way', async () => {
    const locks = await service();
    const plain = await locks.acquire('plain', { ttl: 1_500 });
    const renewed = await locks.acquire(NAME, { ttl: 1_500 });
    const signals = [plain.signal, renewed.signal];
    const events = eventsOf(locks);
    const end = performance.now() + 2_000;
    expect(await plain.release()).toBe('released');

    let renewals = 0;
    proxy.onRequest = () => renewals++;
    proxy.delayMs = { replies: 100 };
    await until(() => renewals > 0, { what: 'a renewal is under way' });
    expect(await renewed.release()).toBe('released');
    expect(renewed.isHeld).toBe(false);
    await passed(end);
    expect(signals.map(({ aborted }) => aborted)).toEqual([false, false]);
    expect(renewed.signal.aborted).toBe(false);
    expect(events.map(({ type }) => type)).toEqual(['released', 'released']);
    expect(() => plain.assertHeld()).toThrow(LockReleasedError);
  });
});

describe('extend', () => {
  it('makes the lease longer, and shorter, and renewals go on with that', async () => {
    const locks = await service();
    const lock = await locks.acquire(NAME, { ttl: 3_000 });
    await lock.extend('1 minute');
    expect(lock.remainingMs).toBeGreaterThan(30_000);
    expect(await direct.pttl(leaseKey(NAME))).toBeGreaterThan(30_000);
    await lock.extend(2_000);
    expect(lock.remainingMs).toBeLessThanOrEqual(2_000);
    const end = await leaseEnd(direct, NAME);
    expect(end).toBeLessThan(performance.now() + 2_005);
    await passed(end);
    expect(lock.isHeld).toBe(true);
    expect((await locks.inspect(NAME))!.remainingMs).toBeLessThanOrEqual(2_000);
    expect(lock.signal.aborted).toBe(false);
  });

  it('counts by the shorter ttl at once, also when the reply never comes', async () => {
    const locks = await service();
    const lock = await locks.acquire(NAME, { ttl: '1 minute' });
    proxy.dropReplies = true;
    const extending = lock.extend(800);
    expect(lock.remainingMs).toBeLessThanOrEqual(800);
    expect(await errorOf(extending)).toBeInstanceOf(LockStoreError);
    expect(lock.remainingMs).toBeLessThanOrEqual(500);
    await aborts(lock);
    expect(lock.signal.reason).toMatchObject({ reason: 'deadline' });
  });

  it('does not cost the lock its renewals when the reply to a longer ttl is lost', async () => {
    const ttl = 3_000;
    const locks = await service();
    const lock = await locks.acquire(NAME, { ttl });
    const end = performance.now() + ttl;
    proxy.dropReplies = true;
    expect(await errorOf(lock.extend('1 hour'))).toBeInstanceOf(LockStoreError);
    heal();
    await passed(end);
    expect(lock.signal.reason).toBeUndefined();
    expect(lock.isHeld).toBe(true);
  });

  it('is refused on a lock that has been released or lost', async () => {
    const locks = await service();
    const released = await locks.acquire(NAME);
    await released.release();
    await expect(released.extend(1_000)).rejects.toThrow(LockReleasedError);
    const lost = await locks.acquire(NAME);
    await locks.forceRelease(NAME);
    await expect(lost.extend(1_000)).rejects.toThrow(LockLostError);
    expect(await locks.inspect(NAME)).toBeNull();
  });

  it('fails with the loss when Redis no longer has the lease', async () => {
    const locks = await service();
    const lock = await locks.acquire(NAME);
    await direct.del(leaseKey(NAME));
    expect(await errorOf(lock.extend('1 hour'))).toMatchObject({
      code: 'LOCK_LOST',
      reason: 'expired',
    });
    expect(lock.isHeld).toBe(false);
    expect(await isTaken()).toBe(false);
  });
});

describe('a handle that nobody has any more', () => {
  const collectGarbage = () => {
    setFlagsFromString('--expose-gc');
    (runInNewContext('gc') as () => void)();
  };
  /** In a frame of its own, which keeps nothing. */
  const forget = async (take: () => Promise<Lock>) => {
    expect((await take()).isHeld).toBe(true);
  };

  it('is released, with an event that names the lock; one still in use is not', async () => {
    // Long enough for a process that stands still while it collects.
    const locks = await lockService({ redis: proxy.url, leakStacks: true, ttl: '9s' });
    const kept = await locks.acquire('kept');
    const events = eventsOf(locks);
    await forget(() => locks.acquire(NAME)); // it is looked for from its first renewal on
    const leaked = () => events.find(({ type }) => type === 'leaked');
    const isLeaked = () => (collectGarbage(), !!leaked());
    await until(isLeaked, { what: 'the leak is told', intervalMs: 50, timeoutMs: 20_000 });
    expect(leaked()).toMatchObject({ name: NAME, stack: expect.stringContaining('handle.spec') });
    await until(async () => !(await isTaken()), { what: 'the name is free' });
    collectGarbage();
    expect(kept.isHeld).toBe(true);
    expect(
      events.map((event) => ('name' in event ? `${event.type} ${event.name}` : event.type)),
    ).toEqual(['acquired invoice:42', 'leaked invoice:42', 'released invoice:42']);
    expect(await kept.release()).toBe('released');
  });

  it('keeps its name until the ttl, if it is not renewed: then nobody needs to release it', async () => {
    const locks = await lockService({ redis: proxy.url, ttl: '9s' });
    const events = eventsOf(locks);
    await forget(() => locks.acquire('kept', { ttl: '1 minute', renew: false }));
    await forget(() => locks.acquire(NAME));
    const isTold = () => (collectGarbage(), events.some(({ type }) => type === 'leaked'));
    await until(isTold, {
      what: 'the renewed one is told',
      intervalMs: 50,
      timeoutMs: 20_000,
    });
    expect(await locks.inspect('kept')).not.toBeNull();
    expect(events.filter((event) => event.type === 'leaked')).toHaveLength(1);
  });
});
