import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { Redis } from 'ioredis';
import { Job, JobSemaphore, LockReleasedError, LockService, LockTimeoutError } from 'nestjs-locker';
import { Child } from '../support/child-process.js';
import { errorOf, lockApp, watch } from '../support/lock-service.js';
import { nothingRemains } from '../support/queue.js';
import { RedisServer } from '../support/redis-server.js';
import { until } from '../support/until.js';

jest.setTimeout(60_000);

const JOB = new Job({ name: 'invoice', concurrency: 2, ttl: '10 minutes' });

let server: RedisServer;
let direct: Redis;
let locks: LockService;
let mine: JobSemaphore;
let others: JobSemaphore;
beforeAll(async () => {
  server = await RedisServer.start();
  direct = server.client();
});
afterAll(() => server.stop());
beforeEach(async () => {
  await direct.flushall();
  const app = await lockApp({ redis: server.url });
  [locks, mine] = [app.get(LockService), app.get(JobSemaphore)];
  others = (await lockApp({ redis: server.url })).get(JobSemaphore);
});

const state = async () => {
  const { holders, waiting } = await locks.semaphore('invoice', 2).inspect();
  return { holding: holders.length, waiting };
};
const waitFor = (count: number) =>
  until(async () => (await state()).waiting === count, { what: `${count} wait` });

describe('the permits of a job', () => {
  it('are as many as its concurrency, over all processes', async () => {
    expect(await mine.tryAcquire(JOB)).toBe(true);
    expect(await others.tryAcquire(JOB)).toBe(true);
    for (const semaphore of [mine, others]) expect(await semaphore.tryAcquire(JOB)).toBe(false);
    expect(await state()).toEqual({ holding: 2, waiting: 0 });
    await others.release(JOB);
    expect(await mine.tryAcquire(JOB)).toBe(true);
    expect(await others.tryAcquire(JOB)).toBe(false);
    await mine.release(JOB);
    await mine.release(JOB);
    await nothingRemains(direct);
  });

  it('are never more, however many want them', async () => {
    let atWork = 0;
    let most = 0;
    let done = 0;
    const work = async (semaphore: JobSemaphore) => {
      await semaphore.acquire(JOB, { wait: '1 minute' });
      most = Math.max(most, ++atWork);
      await direct.ping();
      done++;
      atWork--;
      await semaphore.release(JOB);
    };
    await Promise.all(
      [mine, others].flatMap((each) => Array.from({ length: 20 }, () => work(each))),
    );
    expect({ most, done }).toEqual({ most: 2, done: 40 });
    await nothingRemains(direct);
  });

  it('are waited for in the queue, which is left when the wait ends or is aborted', async () => {
    for (let i = 0; i < 2; i++) expect(await mine.tryAcquire(JOB)).toBe(true);
    const late = await errorOf(others.acquire(JOB, { wait: 50 }));
    expect(late).toBeInstanceOf(LockTimeoutError);
    const controller = new AbortController();
    const { signal } = controller;
    const aborted = watch(others.acquire(JOB, { wait: '1 minute', signal }));
    await waitFor(1);
    controller.abort();
    await until(() => aborted.settled, { what: 'it is told' });
    expect(aborted.error).toMatchObject({ code: 'LOCK_ABORTED' });
    await waitFor(0);
    const waiter = watch(others.acquire(JOB, { wait: '1 minute' }));
    await waitFor(1);
    await mine.release(JOB);
    await until(() => waiter.settled, { what: 'it is given' });
    expect(waiter.error).toBeUndefined();
    expect(await mine.tryAcquire(JOB)).toBe(false);
  });

  it('are released by nobody who has none', async () => {
    expect(await mine.tryAcquire(JOB)).toBe(true);
    expect(await errorOf(others.release(JOB))).toBeInstanceOf(LockReleasedError);
    const other = new Job({ name: 'receipt', concurrency: 2 });
    expect(await errorOf(mine.release(other))).toBeInstanceOf(LockReleasedError);
    expect(await state()).toEqual({ holding: 1, waiting: 0 });
    await mine.release(JOB);
    expect(await errorOf(mine.release(JOB))).toBeInstanceOf(LockReleasedError);
  });

  it('need a concurrency', async () => {
    const none = new Job({ name: 'invoice' });
    expect(await errorOf(mine.tryAcquire(none))).toMatchObject({ code: 'LOCK_OPTIONS' });
    expect(await errorOf(mine.acquire(none))).toMatchObject({ code: 'LOCK_OPTIONS' });
  });

  it('have nothing to do with the locks of its elements', async () => {
    for (let i = 0; i < 2; i++) expect(await mine.tryAcquire(JOB)).toBe(true);
    const lock = await locks.acquire('invoice', { wait: 0 });
    expect(await lock.release()).toBe('released');
  });
});

describe('a permit that was lost', () => {
  it('is given back before one that is held still', async () => {
    for (let i = 0; i < 2; i++) expect(await mine.tryAcquire(JOB)).toBe(true);
    const [first, second] = (await locks.semaphore('invoice', 2).inspect()).holders;
    // The later one, so that it is not simply the oldest that goes.
    await locks.semaphore('invoice', 2).forceRelease(second!.fencingToken);
    await mine.release(JOB);
    const { holders } = await locks.semaphore('invoice', 2).inspect();
    expect(holders).toMatchObject([{ fencingToken: first!.fencingToken }]);
    await mine.release(JOB);
    expect(await state()).toEqual({ holding: 0, waiting: 0 });
  });

  it('comes back by itself when its process is killed', async () => {
    const program = new URL('../faults/fixtures/holds-permits.ts', import.meta.url);
    const options = JSON.stringify({ ttl: 1_000, count: 2 });
    const child = Child.start(program, server.url, 'invoice', '2', options);
    await child.told('granted');
    expect(await mine.tryAcquire(JOB)).toBe(false);
    const waiter = watch(others.acquire(JOB, { wait: '1 minute' }));
    await waitFor(1);
    await child.kill();
    await until(() => waiter.settled, { what: 'it is given', timeoutMs: 15_000 });
    expect(waiter.error).toBeUndefined();
    expect(await mine.tryAcquire(JOB)).toBe(true);
    expect(await state()).toEqual({ holding: 2, waiting: 0 });
  });
});
