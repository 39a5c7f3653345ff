import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { Redis } from 'ioredis';
import { LockAbortedError, LockBusyError, LockTimeoutError } from 'nestjs-locker';
import type { Lock, LockService } from 'nestjs-locker';
import { ManualClock } from 'nestjs-locker/testing';
import { RedisConnection } from '../../lib/stores/redis/redis-connection.js';
import { RedisLockStore } from '../../lib/stores/redis/redis-lock.store.js';
import { ClockedRedisStore, errorOf, lockService, watch } from '../support/lock-service.js';
import { scriptCalls } from '../support/queue.js';
import { RedisServer } from '../support/redis-server.js';
import { until } from '../support/until.js';

jest.setTimeout(30_000);

const NAME = 'invoice:42';

let server: RedisServer;
let direct: Redis;
beforeAll(async () => {
  server = await RedisServer.start();
  direct = server.client();
});
afterAll(() => server.stop());
beforeEach(() => direct.flushall());

/** How often the store is asked while something is done. */
async function askedDuring(work: () => Promise<unknown>): Promise<number> {
  const before = await scriptCalls(direct);
  await work();
  return (await scriptCalls(direct)) - before;
}

/** Waiters of one service, and the order in which they were served. */
function lineUp(locks: LockService, count: number, signals: (AbortSignal | undefined)[] = []) {
  const served: number[] = [];
  const waiters = Array.from({ length: count }, (_, i) => {
    const signal = signals[i];
    const serve = async (lock: Lock) => {
      served.push(i);
      return lock.release();
    };
    return watch(locks.acquire(NAME, { wait: '1 minute', ...(signal && { signal }) }).then(serve));
  });
  const allEnd = () =>
    until(() => waiters.every(({ settled }) => settled), {
      what: 'all waiters have ended',
      timeoutMs: 20_000,
    });
  return { served, waiters, allEnd };
}

describe('a waiter', () => {
  it('gets the lock when its holder has crashed, and nobody gives it back', async () => {
    const crashed = new RedisLockStore(new RedisConnection(direct), 'lock');
    const holder = { service: 'crashed', host: 'a', pid: 1 };
    const request = { name: NAME, kind: 'lock', units: 0, permits: 0, tokens: 1 } as const;
    const reply = await crashed.acquire({ ...request, owner: 'crashed', ttlMs: 400, holder });
    const locks = await lockService({ redis: server.url, wait: '20s' });
    const lock = await locks.acquire(NAME);
    expect(reply.status === 'granted' && lock.fencingToken > reply.fencingToken).toBe(true);
  });

  it('gets the lock that another process gives back', async () => {
    const [locks, others] = await Promise.all([
      lockService({ redis: server.url }),
      lockService({ redis: server.url }),
    ]);
    const held = await others.acquire(NAME);
    const waiting = locks.acquire(NAME, { wait: '20s' });
    await held.release();
    expect((await waiting).fencingToken).toBeGreaterThan(held.fencingToken);
  });

  it('is told when its wait ends', async () => {
    const [locks, others] = await Promise.all([
      lockService({ redis: server.url }),
      lockService({ redis: server.url }),
    ]);
    await others.acquire(NAME);
    const error = await errorOf(locks.acquire(NAME, { wait: 100 }));
    expect(error).toBeInstanceOf(LockTimeoutError);
    expect((error as LockTimeoutError).waitedMs).toBeGreaterThanOrEqual(100);
  });

  it('waits without end for as long as its signal lets it', async () => {
    const clock = new ManualClock();
    const locks = await lockService({ store: new ClockedRedisStore(server.url, clock) });
    const others = await lockService({ redis: server.url });
    await others.acquire(NAME);
    const caller = new AbortController();
    const acquire = watch(locks.acquire(NAME, { wait: Infinity, signal: caller.signal }));
    const before = await scriptCalls(direct);
    await until(
      () => clock.advance(500).then(async () => (await scriptCalls(direct)) > before + 20),
      {
        what: 'it has kept its place for minutes',
        timeoutMs: 15_000,
      },
    );
    expect(acquire.settled).toBe(false);
    const reason = new Error('enough');
    caller.abort(reason);
    await until(() => acquire.settled, { what: 'the caller is told' });
    expect(acquire.error).toBeInstanceOf(LockAbortedError);
    expect(acquire.error).toMatchObject({ cause: reason, lockName: NAME });
  });
});

describe('a caller that does not want to wait', () => {
  it.each([
    ['tryAcquire', (locks: LockService) => locks.tryAcquire(NAME)],
    ['wait: 0', (locks: LockService) => locks.acquire(NAME, { wait: 0 }).catch((e: Error) => e)],
  ])('asks once (%s)', async (_what, take) => {
    const locks = await lockService({ redis: server.url });
    const others = await lockService({ redis: server.url, ttl: '10 minutes' });
    await others.acquire(NAME);
    let answer: unknown;
    const asked = await askedDuring(async () => {
      answer = await take(locks);
    });
    expect(asked).toBe(1);
    expect(answer === null || answer instanceof LockBusyError).toBe(true);
    expect(answer).not.toBeInstanceOf(LockTimeoutError);
  });

  it('never overtakes those of its process that wait', async () => {
    // Its clock stands: the waiter gets the name by being told, or not at all.
    const store = new ClockedRedisStore(server.url, new ManualClock());
    const locks = await lockService({ store });
    const others = await lockService({ redis: server.url });
    const held = await others.acquire(NAME);
    const before = await scriptCalls(direct);
    const waiter = watch(locks.acquire(NAME));
    await until(async () => (await scriptCalls(direct)) > before, { what: 'it has asked' });
    await held.release();
    expect(await locks.tryAcquire(NAME)).toBeNull();
    await until(() => waiter.settled, { what: 'the waiter has it' });
    expect(waiter.value!.isHeld).toBe(true);
  });
});

describe('a signal that has aborted already', () => {
  it.each(['acquire', 'tryAcquire'] as const)('refuses even a free name (%s)', async (method) => {
    const locks = await lockService({ redis: server.url });
    const reason = new Error('gone before it began');
    const signal = AbortSignal.abort(reason);
    const asked = await askedDuring(async () => {
      const error = await errorOf(locks[method](NAME, { signal }));
      expect(error).toBeInstanceOf(LockAbortedError);
      expect((error as LockAbortedError).cause).toBe(reason);
    });
    expect(asked).toBe(0);
  });
});

describe('fifty waiters of one process', () => {
  it('cost no more than one, and are served in their order', async () => {
    const locks = await lockService({ redis: server.url });
    const others = await lockService({ redis: server.url, ttl: '10 minutes' });
    const held = await others.acquire(NAME);
    const line = lineUp(locks, 50);
    const startedAt = performance.now();
    const asked = await askedDuring(() =>
      until(() => performance.now() - startedAt >= 1_500, { what: 'a while has passed' }),
    );
    expect(asked / ((performance.now() - startedAt) / 1_000)).toBeLessThan(5);
    expect(asked).toBeGreaterThan(0);

    await held.release();
    const toServe = await askedDuring(line.allEnd);
    expect(line.served).toEqual(Array.from({ length: 50 }, (_, i) => i));
    expect(toServe).toBeLessThan(50); // the lease passes from one to the next
  });

  it('keep their places when some give up', async () => {
    const locks = await lockService({ redis: server.url });
    const others = await lockService({ redis: server.url });
    const held = await others.acquire(NAME);
    const impatient = new AbortController();
    const signals = Array.from({ length: 6 }, (_, i) =>
      i % 3 === 0 ? impatient.signal : undefined,
    );
    const line = lineUp(locks, 6, signals);
    impatient.abort();
    await until(() => line.waiters[0]!.settled && line.waiters[3]!.settled, { what: 'they left' });
    await held.release();
    await line.allEnd();
    expect(line.served).toEqual([1, 2, 4, 5]);
    expect(line.waiters[3]!.error).toBeInstanceOf(LockAbortedError);
  });

  it('are woken at once by a release of their own process', async () => {
    // The clock stands still: whoever is served was not served because time has passed.
    const store = new ClockedRedisStore(server.url, new ManualClock());
    const locks = await lockService({ store });
    const held = await locks.acquire(NAME);
    const line = lineUp(locks, 5);
    await held.release();
    await line.allEnd();
    expect(line.served).toEqual([0, 1, 2, 3, 4]);
  });
});
