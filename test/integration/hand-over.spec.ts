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
import {
  type AcquireOptions,
  LockAbortedError,
  LockDrainingError,
  LockService,
  LockTimeoutError,
} from 'nestjs-locker';
import { ManualClock } from 'nestjs-locker/testing';
import { Child } from '../support/child-process.js';
import { passed } from '../support/lease-end.js';
import {
  ClockedRedisStore,
  errorOf,
  eventsOf,
  lockApp,
  lockService,
  type Watched,
  watch,
} from '../support/lock-service.js';
import { queueLength, queueOf, nothingRemains, remains, scriptCalls } from '../support/queue.js';
import { RedisServer } from '../support/redis-server.js';
import { until } from '../support/until.js';

jest.setTimeout(60_000);

const NAME = 'invoice:42';
const LONG = { ttl: '10 minutes', wait: Infinity } as const;

let server: RedisServer;
let direct: Redis;
beforeAll(async () => {
  server = await RedisServer.start();
  direct = server.client();
});
afterAll(() => server.stop());
beforeEach(() => direct.flushall());
afterEach(() => nothingRemains(direct));

const service = () => lockService({ redis: server.url });
/** One whose time stands still: nothing that it does is done because time has passed. */
const timeless = () =>
  lockService({ store: new ClockedRedisStore(server.url, new ManualClock()), ...LONG });
const queue = (length: number) => queueOf(direct, NAME, length);
const isGiven = (waiting: Watched<unknown>) =>
  until(() => waiting.settled, { what: 'it is given' }).then(() =>
    expect(waiting.error).toBeUndefined(),
  );

/** Waits for the name, and keeps the order in which it was given. */
function waiting(locks: LockService, who: string, order: string[], options: AcquireOptions = LONG) {
  return watch(locks.withLock(NAME, () => void order.push(who), options).then(() => undefined));
}

describe('a lock that is given back', () => {
  it('goes to the processes that wait, in the order in which they came', async () => {
    const held = await (await service()).acquire(NAME, LONG);
    const program = new URL('./fixtures/waits-for-a-lock.ts', import.meta.url);
    const children: Child[] = [];
    for (let i = 1; i <= 3; i++) {
      children.push(Child.start(program, server.url, NAME));
      await queue(i);
    }
    for (const child of children) child.write('release\n');
    await held.release();
    const tokens = [held.fencingToken];
    for (const child of children)
      tokens.push((await child.told<{ token: number }>('granted')).token);
    expect(tokens).toEqual(tokens.toSorted((a, b) => a - b));
    expect(new Set(tokens).size).toBe(4);
    for (const child of children) {
      expect(await child.told('released')).toMatchObject({ outcome: 'released' });
      expect(await child.exit()).toEqual({ code: 0, errors: '' });
    }
  });

  it('is handed over by a message alone, at once', async () => {
    const held = await (await service()).acquire(NAME, LONG);
    const waiter = watch((await timeless()).acquire(NAME));
    await queue(1);
    expect(waiter.settled).toBe(false);
    await held.release();
    await isGiven(waiter);
    expect(waiter.value!.fencingToken).toBeGreaterThan(held.fencingToken);
    expect(waiter.value!.isHeld).toBe(true);
  });

  it('costs few commands: a sign of life each second while waiting, and no question after', async () => {
    const held = await (await service()).acquire(NAME, LONG);
    const other = await service();
    const waiter = watch(other.acquire(NAME, LONG));
    await queue(1);
    await direct.config('RESETSTAT');
    await passed(performance.now() + 3_300);
    expect(await scriptCalls(direct)).toBeLessThanOrEqual(5);
    expect(waiter.settled).toBe(false);

    await direct.config('RESETSTAT');
    await held.release();
    await isGiven(waiter);
    expect(await waiter.value!.release()).toBe('released');
    // Both releases, a confirmation, and a sign of life that was due.
    expect(await scriptCalls(direct)).toBeLessThanOrEqual(4);
  });

  it('lasts its whole ttl once the waiter has confirmed it', async () => {
    const held = await (await service()).acquire(NAME, LONG);
    const other = await service();
    const waiter = watch(other.acquire(NAME, LONG));
    await queue(1);
    await held.release();
    await isGiven(waiter);
    await until(async () => (await other.inspect(NAME))!.remainingMs > 60_000, {
      what: 'it is confirmed',
    });
    expect(waiter.value!.remainingMs).toBeGreaterThan(60_000);
  });

  it('is not taken past the queue by those who come later', async () => {
    const held = await (await service()).acquire(NAME, LONG);
    const waiter = watch((await timeless()).acquire(NAME));
    await queue(1);
    const late = await service();
    const [, attempt] = await Promise.all([held.release(), late.tryAcquire(NAME)]);
    expect(attempt).toBeNull();
    await isGiven(waiter);
    expect(await late.tryAcquire(NAME)).toBeNull();
  });

  it('leaves a process that always has callers waiting when somebody waits outside', async () => {
    const greedy = await service();
    const patient = await service();
    let rounds = 0;
    let isOver = false;
    const loop = async () => {
      while (!isOver) await greedy.withLock(NAME, () => rounds++, LONG);
    };
    const loops = Promise.all(Array.from({ length: 10 }, loop));
    await until(() => rounds > 100, { what: 'they pass it on' });
    const waits: number[] = [];
    for (let i = 0; i < 10; i++) {
      const start = performance.now();
      await patient.withLock(NAME, () => waits.push(performance.now() - start), LONG);
    }
    isOver = true;
    await loops;
    expect(Math.max(...waits)).toBeLessThan(1_000);
  });

  it('by force goes to the next at once, and its holder is told', async () => {
    const holder = await service();
    const held = await holder.acquire(NAME, { ttl: 2_000 });
    const waiter = watch((await timeless()).acquire(NAME));
    await queue(1);
    const admin = await service();
    expect(await admin.forceRelease(NAME)).toMatchObject({ fencingToken: held.fencingToken });
    await isGiven(waiter);
    await until(() => held.signal.aborted, { what: 'the holder is told' });
    expect(held.signal.reason).toMatchObject({ reason: 'forced' });
    expect(await held.release()).toBe('taken-over');
  });
});

describe('the place in the queue', () => {
  it('is told when the wait begins, and whenever it has become another', async () => {
    const held = await (await service()).acquire(NAME, LONG);
    const places: Record<string, number[]> = { first: [], second: [], third: [] };
    const leaves = new AbortController();
    const waiters = [];
    for (const [i, who] of Object.keys(places).entries()) {
      const onWaiting = (place: number) => void places[who]!.push(place);
      const signal = who === 'first' ? { signal: leaves.signal } : {};
      waiters.push(watch((await service()).acquire(NAME, { ...LONG, onWaiting, ...signal })));
      await queue(i + 1);
    }
    expect(places).toEqual({ first: [1], second: [2], third: [3] });
    leaves.abort();
    await until(() => places['third']!.length > 1 && places['second']!.length > 1, {
      what: 'those behind are told',
    });
    expect(places).toEqual({ first: [1], second: [2, 1], third: [3, 2] });
    await held.release();
    await isGiven(waiters[1]!);
    await waiters[1]!.value!.release();
    await isGiven(waiters[2]!);
  });

  it('is not told to who need not wait', async () => {
    const locks = await service();
    const onWaiting = jest.fn();
    await locks.withLock(NAME, () => 'done', { onWaiting });
    expect(onWaiting).not.toHaveBeenCalled();
  });

  it('counts the callers of one process one by one', async () => {
    const held = await (await service()).acquire(NAME, LONG);
    const locks = await service();
    const places: number[][] = [[], [], []];
    const waiters = places.map((told) =>
      watch(
        locks.withLock(NAME, () => 'done', { ...LONG, onWaiting: (place) => told.push(place) }),
      ),
    );
    await queue(1);
    expect(places.map((told) => told.at(-1))).toEqual([1, 2, 3]);
    await held.release();
    for (const waiter of waiters) await isGiven(waiter);
  });

  it('is told by the error of a wait that ended', async () => {
    await (await service()).acquire(NAME, LONG);
    const first = watch((await service()).acquire(NAME, LONG));
    await queue(1);
    const error = await errorOf((await service()).acquire(NAME, { wait: 400 }));
    expect(error).toBeInstanceOf(LockTimeoutError);
    expect(error).toMatchObject({ place: 2, lockName: NAME });
    expect((error as LockTimeoutError).waitedMs).toBeGreaterThanOrEqual(400);
    expect(first.settled).toBe(false);
  });

  it('is kept for any number of ttls', async () => {
    const held = await (await service()).acquire(NAME, LONG);
    const order: string[] = [];
    const early = waiting(await service(), 'early', order, { ttl: 600, wait: Infinity });
    await queue(1);
    await passed(performance.now() + 2_500);
    const late = waiting(await service(), 'late', order);
    await queue(2);
    await passed(performance.now() + 1_500);
    await held.release();
    await isGiven(early);
    await isGiven(late);
    expect(order).toEqual(['early', 'late']);
  });
});

describe('a wait that ends', () => {
  it.each(['by its signal', 'by its time'])('leaves nothing in Redis (%s)', async (how) => {
    const held = await (await service()).acquire(NAME, LONG);
    const caller = new AbortController();
    const options = how === 'by its time' ? { wait: 500 } : { ...LONG, signal: caller.signal };
    const waiter = watch((await service()).acquire(NAME, options));
    await queue(1);
    caller.abort();
    await until(() => waiter.settled, { what: 'it has ended' });
    expect(waiter.error).toBeInstanceOf(
      how === 'by its time' ? LockTimeoutError : LockAbortedError,
    );
    await until(async () => (await queueLength(direct, NAME)) === 0, { what: 'it has left' });
    expect(await remains(direct)).toHaveLength(1); // the lease
    expect(await held.release()).toBe('released');
    expect(await remains(direct)).toEqual([]);
  });

  it.each(['by its signal', 'by its time'])(
    'leaves the others of the process their place (%s)',
    async (how) => {
      const held = await (await service()).acquire(NAME, LONG);
      const locks = await service();
      const order: string[] = [];
      const caller = new AbortController();
      const options = how === 'by its time' ? { wait: 1_000 } : { ...LONG, signal: caller.signal };
      const gone = waiting(locks, 'gone', order, options);
      const stays = waiting(locks, 'stays', order);
      await queue(1);
      const outside = waiting(await service(), 'outside', order);
      await queue(2);
      caller.abort();
      await until(() => gone.settled, { what: 'the first has left' });
      await held.release();
      await isGiven(stays);
      await isGiven(outside);
      expect(order).toEqual(['stays', 'outside']);
    },
  );

  it('passes on what it was handed at the same moment', async () => {
    for (let round = 0; round < 20; round++) {
      const held = await (await service()).acquire(NAME, LONG);
      const caller = new AbortController();
      const quits = watch((await service()).acquire(NAME, { ...LONG, signal: caller.signal }));
      await queue(1);
      const next = watch((await service()).acquire(NAME, LONG));
      await queue(2);
      const releasing = held.release();
      if (round % 2) await new Promise((resolve) => setImmediate(resolve));
      caller.abort();
      await releasing;
      await until(() => quits.settled, { what: 'the first has quit' });
      await quits.value?.release();
      const start = performance.now();
      await isGiven(next);
      expect(performance.now() - start).toBeLessThan(1_000);
      await next.value!.release();
    }
  });

  it('at shutdown leaves the queue, and the next in it comes up', async () => {
    const held = await (await service()).acquire(NAME, LONG);
    const app = await lockApp({ redis: server.url });
    const events = eventsOf(app.get(LockService));
    const waiters = [1, 2].map(() => watch(app.get(LockService).acquire(NAME, LONG)));
    await queue(1);
    const next = watch((await timeless()).acquire(NAME));
    await queue(2);
    await app.close();
    for (const { error } of waiters) expect(error).toBeInstanceOf(LockDrainingError);
    expect(events).toEqual([]);
    expect(await queueLength(direct, NAME)).toBe(1);
    await held.release();
    await isGiven(next);
  });

  it('at shutdown gives up what its process would pass on', async () => {
    const app = await lockApp({ redis: server.url });
    const locks = app.get(LockService);
    const held = await locks.acquire(NAME, LONG);
    const inside = watch(locks.acquire(NAME, LONG));
    const outside = watch((await timeless()).acquire(NAME));
    await until(async () => (await queueLength(direct, NAME)) === 2, { what: 'both wait' });
    await app.close();
    expect(inside.error).toBeInstanceOf(LockDrainingError);
    expect(held.isHeld).toBe(false);
    await isGiven(outside);
  });
});
