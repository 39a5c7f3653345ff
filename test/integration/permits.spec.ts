import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  it,
  jest,
} from '@jest/globals';
import type { Redis } from 'ioredis';
import type { Lock, LockEvent, LockService } from 'nestjs-locker';
import { ManualClock } from 'nestjs-locker/testing';
import {
  ClockedRedisStore,
  eventsOf,
  lockService,
  RecordingLogger,
  type Watched,
  watch,
} from '../support/lock-service.js';
import { nothingRemains, scriptCalls } from '../support/queue.js';
import { RedisServer } from '../support/redis-server.js';
import { until } from '../support/until.js';

jest.setTimeout(60_000);

const NAME = 'tax-authority';
const LONG = { ttl: '10 minutes', wait: Infinity } as const;

let server: RedisServer;
let direct: Redis;
let locks: LockService;
let others: LockService;
let logger: RecordingLogger;
let events: LockEvent[];
beforeAll(async () => {
  server = await RedisServer.start();
  direct = server.client();
});
afterAll(() => server.stop());
beforeEach(async () => {
  await direct.flushall();
  logger = new RecordingLogger();
  locks = await lockService({ redis: server.url });
  others = await lockService({ redis: server.url, logger });
  events = eventsOf(others);
});
afterEach(() => nothingRemains(direct));

const isGiven = (waiter: Watched<Lock>) =>
  until(() => waiter.settled, { what: 'it is given' }).then(() =>
    expect(waiter.error).toBeUndefined(),
  );
const changes = (told = events) => told.filter(({ type }) => type === 'permits-changed');
const change = (formerPermits: number, permits: number) => ({
  type: 'permits-changed',
  name: NAME,
  permits,
  formerPermits,
});
/** How many hold permits, how many wait for them, and how many there are. */
async function state() {
  const { holders, waiting, permits } = await locks.semaphore(NAME, 1).inspect();
  return { holding: holders.length, waiting, permits };
}
const waitFor = (count: number) =>
  until(async () => (await state()).waiting === count, { what: `${count} wait` });

describe('permits that become more while the semaphore is in use', () => {
  it('let as many in at once as there are more, in their order, and it is told', async () => {
    const held = await locks.semaphore(NAME, 1).acquire(LONG);
    // Their clock stands still: nothing that they do is done because time has passed.
    const store = new ClockedRedisStore(server.url, new ManualClock());
    const waiting = (await lockService({ store, logger })).semaphore(NAME, 1);
    const waiters: Watched<Lock>[] = [];
    for (let i = 1; i <= 3; i++) {
      waiters.push(watch(waiting.acquire(LONG)));
      await waitFor(i);
    }
    expect(await others.semaphore(NAME, 3).tryAcquire()).toBeNull();
    await Promise.all(waiters.slice(0, 2).map(isGiven));
    expect(await state()).toEqual({ holding: 3, waiting: 1, permits: 3 });
    expect(waiters[2]!.settled).toBe(false);
    expect(changes()).toEqual([change(1, 3)]);
    expect(logger.lines.filter((line) => line.startsWith('warn '))).toEqual([
      expect.stringMatching(/"tax-authority" had 1 permits and has 3 now/),
    ]);

    expect(await held.release()).toBe('released');
    await isGiven(waiters[2]!);
    const tokens = waiters.map(({ value }) => value!.fencingToken);
    expect(tokens).toEqual(tokens.toSorted((a, b) => a - b));
    for (const { value } of waiters) expect(await value!.release()).toBe('released');
  });

  it('let one in that waits for several at once, as soon as they are enough', async () => {
    await locks.semaphore(NAME, 2).acquire(LONG);
    const two = watch(locks.semaphore(NAME, 2).acquire({ ...LONG, count: 2 }));
    await waitFor(1);
    const one = watch(others.semaphore(NAME, 4).acquire(LONG));
    await Promise.all([two, one].map(isGiven));
    expect(await state()).toEqual({ holding: 3, waiting: 0, permits: 4 });
    expect(await locks.semaphore(NAME, 4).tryAcquire()).toBeNull();
  });
});

describe('permits that become fewer while the semaphore is in use', () => {
  it('are taken from nobody, and given to nobody until enough came back', async () => {
    const semaphore = locks.semaphore(NAME, 3);
    const held: Lock[] = [];
    // Short, so that it shows whether they are renewed.
    for (let i = 0; i < 3; i++) held.push(await semaphore.acquire({ ttl: 1_000 }));
    const waiter = watch(semaphore.acquire(LONG));
    await waitFor(1);
    expect(await others.semaphore(NAME, 1).tryAcquire()).toBeNull();
    expect(changes()).toEqual([change(3, 1)]);
    expect(await state()).toEqual({ holding: 3, waiting: 1, permits: 1 });

    const deadline = performance.now() + 1_000;
    await until(() => held.every((lock) => performance.now() + lock.remainingMs > deadline + 500), {
      what: 'all are renewed',
    });
    for (const left of [2, 1]) {
      expect(await held.pop()!.release()).toBe('released');
      expect(await state()).toEqual({ holding: left, waiting: 1, permits: 1 });
      expect(waiter.settled).toBe(false);
    }
    expect(await held.pop()!.release()).toBe('released');
    await isGiven(waiter);
    expect(await others.semaphore(NAME, 1).tryAcquire()).toBeNull();
    expect(await waiter.value!.release()).toBe('released');
  });

  it('stay so beside those that wait since before', async () => {
    const held = await locks.semaphore(NAME, 2).acquire({ ...LONG, count: 2 });
    const [before, mine] = [eventsOf(locks), watch(locks.semaphore(NAME, 2).acquire(LONG))];
    await waitFor(1);
    await others.semaphore(NAME, 1).tryAcquire();
    await direct.config('RESETSTAT');
    await until(async () => (await scriptCalls(direct)) >= 2, { what: 'it has registered again' });
    expect(await state()).toMatchObject({ permits: 1, waiting: 1 });
    expect(changes(before)).toEqual([]);
    await held.release();
    await isGiven(mine);
    expect(await state()).toMatchObject({ permits: 1 });
  });
});

describe('a change of the permits', () => {
  it('is told once, by the one that declares it, also while that waits', async () => {
    const former = eventsOf(locks);
    const held = await locks.semaphore(NAME, 2).acquire({ ...LONG, count: 2 });
    const waiter = watch(others.semaphore(NAME, 1).acquire(LONG));
    await until(() => changes().length > 0, { what: 'it is told' });
    expect(waiter.settled).toBe(false);
    await direct.config('RESETSTAT');
    await until(async () => (await scriptCalls(direct)) >= 2, { what: 'it has registered again' });
    await held.release();
    await isGiven(waiter);
    expect(events.map(({ type }) => type)).toEqual(['permits-changed', 'acquired']);
    expect(changes()).toEqual([change(2, 1)]);
    expect(changes(former)).toEqual([]);
    expect(await waiter.value!.release()).toBe('released');
  });

  it('is told each time, if two deployments declare different numbers', async () => {
    const former = eventsOf(locks);
    const held = await locks.semaphore(NAME, 2).acquire(LONG);
    for (const [service, permits] of [
      [others, 3],
      [locks, 2],
      [others, 3],
      [others, 3],
    ] as const) {
      await (await service.semaphore(NAME, permits).tryAcquire())?.release();
    }
    expect(changes()).toEqual([change(2, 3), change(2, 3)]);
    expect(changes(former)).toEqual([change(3, 2)]);
    await held.release();
  });

  it('is none once nobody has a permit any more', async () => {
    await (await locks.semaphore(NAME, 2).acquire()).release();
    await (await others.semaphore(NAME, 5).acquire()).release();
    expect(changes()).toEqual([]);
    expect(await state()).toEqual({ holding: 0, waiting: 0, permits: 0 });
  });
});
