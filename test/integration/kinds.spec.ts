import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { Redis } from 'ioredis';
import {
  type Lock,
  LockLostError,
  LockOptionsError,
  LockReentryError,
  type LockService,
} from 'nestjs-locker';
import { Deferred, errorOf, eventsOf, lockService, watch } from '../support/lock-service.js';
import { nothingRemains } from '../support/queue.js';
import { RedisServer } from '../support/redis-server.js';
import { until } from '../support/until.js';

jest.setTimeout(30_000);

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
  locks = await lockService({ redis: server.url });
  others = await lockService({ redis: server.url });
});

describe('a lock within the work of the same lock', () => {
  it.each<[string, () => Promise<Lock | null>]>([
    ['acquire', () => locks.acquire('a')],
    ['tryAcquire', () => locks.tryAcquire('a')],
    ['shared', () => locks.acquire('a', { mode: 'shared' })],
  ])('joins it (%s): the same token, until the last one is released', async (_what, take) => {
    let nested: Lock | null = null;
    await locks.withLock('a', async (lock) => {
      nested = await take();
      expect(nested!.fencingToken).toBe(lock.fencingToken);
    });
    expect(nested!.isHeld).toBe(true);
    expect(await others.tryAcquire('a')).toBeNull();
    await nested!.release();
    expect(await others.tryAcquire('a')).not.toBeNull();
  });

  it('is joined by each branch of one context', async () => {
    await locks.withLock('a', async (lock) => {
      const branches = [1, 2, 3].map(() => locks.withLock('a', ({ fencingToken }) => fencingToken));
      expect(new Set(await Promise.all(branches))).toEqual(new Set([lock.fencingToken]));
      expect(lock.isHeld).toBe(true);
    });
    await nothingRemains(direct);
  });

  it('fails at once where it must not be joined, or would wait for itself', async () => {
    const nested = { reentrant: false };
    await locks.withLock('a', async () => {
      expect(await errorOf(locks.acquire('a', nested))).toBeInstanceOf(LockReentryError);
      expect(await errorOf(locks.tryAcquire('a', nested))).toBeInstanceOf(LockReentryError);
      expect(await errorOf(locks.withLock('a', () => 1, nested))).toBeInstanceOf(LockReentryError);
    });
    const shared = { mode: 'shared' } as const;
    const upgrade = locks.withLock('a', () => errorOf(locks.acquire('a')), shared);
    expect(await upgrade).toBeInstanceOf(LockReentryError);
  });

  it('is taken anew once that has ended, or is lost', async () => {
    const ended = new Deferred();
    let late: Promise<number> | undefined;
    const token = await locks.withLock('a', ({ fencingToken }) => {
      late = ended.promise.then(() => locks.withLock('a', (lock) => lock.fencingToken));
      return fencingToken;
    });
    ended.resolve();
    expect(await late).toBeGreaterThan(token);

    const lost = locks.withLock('a', async (lock) => {
      await locks.forceRelease('a');
      return locks.withLock('a', (nested) => nested.fencingToken > lock.fencingToken);
    });
    expect(await errorOf(lost)).toMatchObject({ reason: 'forced', result: true });
  });

  it('does not join what a bare acquire holds', async () => {
    const lock = await locks.acquire('a');
    expect(await locks.tryAcquire('a')).toBeNull();
    await lock.release();
  });
});

describe('a semaphore', () => {
  it('is never held more often than it has permits, over all processes', async () => {
    let inside = 0;
    let most = 0;
    const work = async () => {
      most = Math.max(most, ++inside);
      await new Promise((resolve) => setImmediate(resolve));
      inside--;
    };
    const semaphores = [locks.semaphore('s', 3), others.semaphore('s', 3)];
    await Promise.all(
      Array.from({ length: 60 }, (_, i) => semaphores[i % 2]!.withPermit(work, { wait: '20s' })),
    );
    expect(most).toBe(3);
    await nothingRemains(direct);
  });

  it('gives several permits at once, all or none', async () => {
    const semaphore = locks.semaphore('s', 3);
    const two = await semaphore.acquire({ count: 2 });
    expect(await others.semaphore('s', 3).tryAcquire({ count: 2 })).toBeNull();
    const one = await others.semaphore('s', 3).tryAcquire();
    expect(one!.fencingToken).toBeGreaterThan(two.fencingToken);
    const error = await errorOf(others.semaphore('s', 3).acquire({ count: 1, wait: 0 }));
    expect(error).toMatchObject({ code: 'LOCK_BUSY', kind: 'semaphore' });
    expect(String(error)).toContain('The semaphore "s" is full: a permit is held by ');
    expect(await semaphore.inspect()).toMatchObject({ permits: 3, waiting: 0 });
    expect((await semaphore.inspect()).holders.map(({ units }) => units)).toEqual([2, 1]);
  });

  it('takes the last declared number for everybody, and warns', async () => {
    const events = eventsOf(others);
    await locks.semaphore('s', 1).acquire();
    expect(await locks.semaphore('s', 1).tryAcquire()).toBeNull();
    expect(await others.semaphore('s', 2).tryAcquire()).not.toBeNull();
    expect(events).toContainEqual({
      type: 'permits-changed',
      name: 's',
      permits: 2,
      formerPermits: 1,
    });
  });

  it('has one permit taken by force, whose holder learns it', async () => {
    const semaphore = locks.semaphore('s', 2);
    const [first, second] = [await semaphore.acquire(), await semaphore.acquire()];
    const former = await semaphore.forceRelease(first.fencingToken);
    expect(former).toMatchObject({ fencingToken: first.fencingToken });
    expect(first.signal.reason).toBeInstanceOf(LockLostError);
    expect(second.isHeld).toBe(true);
  });

  it.each([0, -1, 1.5, NaN, '2'])('refuses %p as its number of permits', (permits) => {
    expect(() => locks.semaphore('s', permits as number)).toThrow(LockOptionsError);
  });

  it('has nothing to do with a lock of its name', async () => {
    await locks.semaphore('s', 1).acquire();
    expect(await others.tryAcquire('s')).not.toBeNull();
  });
});

describe('minHold', () => {
  it('keeps the name taken after the work, also if that throws', async () => {
    const own = new Error('mine');
    const failing = locks.withLock('a', () => Promise.reject(own), { minHold: 500 });
    expect(await errorOf(failing)).toBe(own);
    expect(await others.tryAcquire('a')).toBeNull();
    expect(locks.held()).toEqual([]);
    await until(async () => (await others.tryAcquire('a')) !== null, { what: 'it is free' });
  });

  it('lets a job run once on a fleet whose clocks differ', async () => {
    let runs = 0;
    for (const replica of [locks, others, locks]) {
      const lock = await replica.tryAcquire('nightly', { minHold: '10s' });
      if (lock) runs++;
      await lock?.release();
    }
    expect(runs).toBe(1);
  });
});

describe('a detached lock', () => {
  it('goes on in another service with its token, once', async () => {
    const lock = await locks.acquire('a', { ttl: '2s' });
    const text = lock.detach();
    expect(lock.isHeld).toBe(false);
    expect(await lock.release()).toBe('released');
    const attached = await others.attach(text);
    expect(attached.fencingToken).toBe(lock.fencingToken);
    expect(lock.signal.aborted).toBe(false);
    expect(await errorOf(locks.attach(text))).toBeInstanceOf(LockLostError);
    expect(attached.isHeld).toBe(true);
    expect(await attached.release()).toBe('released');
    await nothingRemains(direct);
  });

  it('is refused if the text is none, without showing it', async () => {
    const error = await errorOf(locks.attach('nestjs-locker.1.secret'));
    expect(error).toBeInstanceOf(LockOptionsError);
    expect(String(error)).not.toContain('secret');
  });

  it('keeps no other caller of its process waiting longer', async () => {
    const lock = await locks.acquire('a');
    const waiting = watch(locks.acquire('a', { wait: '20s' }));
    const attached = await others.attach(lock.detach());
    await attached.release();
    await until(() => waiting.settled, { what: 'the other one has it' });
    expect(waiting.value!.isHeld).toBe(true);
  });
});
