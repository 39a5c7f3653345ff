import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { Redis } from 'ioredis';
import type { Lock, LockService } from 'nestjs-locker';
import { leaseEnd, leaseKey, lockKeys, passed } from '../support/lease-end.js';
import { afterTest, errorOf, eventsOf, lockService } from '../support/lock-service.js';
import { scriptCalls } from '../support/queue.js';
import { RedisServer } from '../support/redis-server.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { until } from '../support/until.js';

jest.setTimeout(60_000);

const NAME = 'invoice:42';

let server: RedisServer;
let direct: Redis;
let mine: LockService;
let other: LockService;

beforeAll(async () => {
  server = await RedisServer.start();
  direct = server.client();
});
afterAll(() => server.stop());
beforeEach(async () => {
  await direct.flushall();
  mine = await lockService({ redis: server.url });
  other = await lockService({ redis: server.url });
});

const aborts = (lock: Lock) => until(() => lock.signal.aborted, { what: 'the signal aborts' });

describe('a lease that Redis no longer has', () => {
  const removal = () => direct.multi().del(leaseKey(NAME)).config('RESETSTAT').exec();
  /** Renewals, and the one question who has it now, for the log. */
  const askedSinceRemoval = async (count: number): Promise<number> => {
    await until(async () => (await scriptCalls(direct)) >= count, { what: 'all is asked' });
    return scriptCalls(direct);
  };

  it('is told with the next renewal, without asking again (expired)', async () => {
    const lock = await mine.acquire(NAME, { ttl: 3_000 });
    const events = eventsOf(mine);
    await removal();
    await aborts(lock);
    expect(lock.signal.reason).toMatchObject({ reason: 'expired' });
    expect(await askedSinceRemoval(2)).toBe(2);
    expect(events).toEqual([expect.objectContaining({ type: 'lost', reason: 'expired' })]);
    expect(await lock.release()).toBe('expired');
  });

  it('is told with the next renewal, and left to whoever holds it now (taken over)', async () => {
    const lock = await mine.acquire(NAME, { ttl: 3_000 });
    await removal();
    const successor = await other.acquire(NAME);
    await aborts(lock);
    expect(lock.signal.reason).toMatchObject({ reason: 'taken-over' });
    expect(await askedSinceRemoval(3)).toBe(3); // the successor's acquire is one
    expect(await lock.release()).toBe('taken-over');
    expect(await other.inspect(NAME)).toMatchObject({ fencingToken: successor.fencingToken });
    await successor.extend('1 minute');
  });

  it.each([
    ['nobody holds it now', false],
    ['somebody else holds it now', true],
  ])('is told with the next renewal as forced (%s)', async (_what, isTaken) => {
    const lock = await mine.acquire(NAME, { ttl: 3_000 });
    const holder = await other.forceRelease(NAME);
    expect(holder).toMatchObject({ fencingToken: lock.fencingToken });
    const successor = isTaken ? await other.acquire(NAME) : undefined;
    await aborts(lock);
    expect(lock.signal.reason).toMatchObject({ reason: 'forced', lockName: NAME });
    expect(lock.isHeld).toBe(false);
    expect(await lock.release()).toBe(isTaken ? 'taken-over' : 'expired');
    expect((await other.inspect(NAME))?.fencingToken).toBe(successor?.fencingToken);
  });

  it('is told at once to holders of the service that released it by force', async () => {
    const lock = await mine.acquire(NAME);
    const { signal } = lock;
    await mine.forceRelease(NAME);
    expect(signal.reason).toMatchObject({ reason: 'forced' });
  });
});

describe('the validity of a lock', () => {
  it('counts from the question that was granted, not from before the wait', async () => {
    const ttl = 1_000;
    const holder = await other.acquire(NAME, { ttl: '1 minute' });
    const waiting = mine.acquire(NAME, { ttl, wait: '1 minute', renew: false });
    await passed(performance.now() + 1.5 * ttl);
    const releasedAt = performance.now();
    await holder.release();
    const lock = await waiting;
    expect(lock.isHeld).toBe(true);
    const deadline = performance.now() + lock.remainingMs;
    expect(deadline).toBeGreaterThan(releasedAt + ttl / 2);
    expect(deadline).toBeLessThan(await leaseEnd(direct, NAME));
  });

  it('is never negative: a grant that is answered too late is given back instead', async () => {
    const proxy = await TcpProxy.start(server.port);
    afterTest(() => proxy.stop());
    const slow = await lockService({ redis: proxy.url, ttl: 300, storeTimeout: 10_000 });
    proxy.delayMs = { replies: 500 };
    // Busy with its own late grant, or too slow to grant at all.
    const refusal = expect.stringMatching(/^LOCK_(TIMEOUT|STORE_UNREACHABLE)$/) as unknown;
    expect(await errorOf(slow.acquire(NAME, { wait: 1_200 }))).toMatchObject({ code: refusal });
    expect(await slow.tryAcquire(NAME).catch(() => null)).toBeNull();

    const waiting = slow.acquire(NAME, { wait: '1 minute', renew: false });
    await passed(performance.now() + 700);
    proxy.delayMs = 0;
    const lock = await waiting;
    expect(lock.remainingMs).toBeGreaterThan(0);
    await lock.release();
    await until(async () => (await direct.exists(leaseKey(NAME))) === 0, {
      what: 'no lease is left',
    });
  });

  it('that was never had costs others no ttl: the lease of a late grant is released', async () => {
    const proxy = await TcpProxy.start(server.port);
    afterTest(() => proxy.stop());
    const ttl = 2_000;
    const slow = await lockService({ redis: proxy.url, ttl, storeTimeout: 10_000 });
    proxy.delayMs = { requests: ttl };
    // That one alone is slow: what is sent after it is not.
    proxy.onRequest = () => queueMicrotask(() => (proxy.delayMs = 0));
    const start = performance.now();
    await errorOf(slow.acquire(NAME, { wait: 0 }));
    expect(await direct.exists(lockKeys(NAME).tokenCounter)).toBe(1); // it was granted
    await until(async () => (await direct.exists(leaseKey(NAME))) === 0, { what: 'it is free' });
    // Granted after one ttl at the earliest, it would last to the end of the second.
    expect(performance.now()).toBeLessThan(start + 2 * ttl);
  });
});

describe('a late release', () => {
  /** A lock that has come to its end without a renewal, here and in Redis. */
  async function endedLock(): Promise<Lock> {
    const lock = await mine.acquire(NAME, { ttl: 100, renew: false });
    await aborts(lock);
    await until(async () => (await direct.exists(leaseKey(NAME))) === 0, { what: 'it expired' });
    return lock;
  }

  it('finds the lease expired, and may be repeated', async () => {
    const lock = await endedLock();
    expect(await lock.release()).toBe('expired');
    expect(await lock.release()).toBe('expired');
  });

  it.each([
    ['the same process', () => mine],
    ['another process', () => other],
  ])('leaves the lock of a successor in %s alone', async (_where, successors) => {
    const lock = await endedLock();
    const successor = await successors().acquire(NAME);
    expect(await lock.release()).toBe('taken-over');
    expect(await lock.release()).toBe('taken-over');
    expect(await mine.inspect(NAME)).toMatchObject({ fencingToken: successor.fencingToken });
    expect(await other.tryAcquire(NAME)).toBeNull();
    expect(successor.isHeld).toBe(true);
    expect(await successor.release()).toBe('released');
  });

  it('of a released lock leaves the lock of a successor alone', async () => {
    const lock = await mine.acquire(NAME);
    expect(await Promise.all([lock.release(), lock.release()])).toEqual(['released', 'released']);
    const successor = await mine.acquire(NAME);
    expect(await lock.release()).toBe('released');
    await lock[Symbol.asyncDispose]();
    expect(await successor.release()).toBe('released');
  });
});
