import { setTimeout as sleep } from 'node:timers/promises';
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
import type { LockService } from 'nestjs-locker';
import { ManualClock } from 'nestjs-locker/testing';
import { ClockedRedisStore, lockService, type Watched, watch } from '../support/lock-service.js';
import { nothingRemains, queueOf } from '../support/queue.js';
import { RedisServer } from '../support/redis-server.js';
import { until } from '../support/until.js';

jest.setTimeout(60_000);

const NAME = 'price-list';
const WRITE = { ttl: '10 minutes', wait: Infinity } as const;
const READ = { ...WRITE, mode: 'shared' } as const;

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
afterEach(() => nothingRemains(direct));

const isGiven = (waiting: Watched<unknown>) =>
  until(() => waiting.settled, { what: 'it is given' }).then(() =>
    expect(waiting.error).toBeUndefined(),
  );

describe('those that read', () => {
  it('share the name, each with a lock of its own, and keep those out that write', async () => {
    const readers = [
      await locks.acquire(NAME, READ),
      await locks.acquire(NAME, READ),
      await others.acquire(NAME, READ),
    ];
    const tokens = readers.map(({ fencingToken }) => fencingToken);
    expect(tokens).toEqual([...new Set(tokens)].toSorted((a, b) => a - b));
    for (const reader of readers) {
      expect(await others.tryAcquire(NAME)).toBeNull();
      expect(reader.isHeld).toBe(true);
      expect(await reader.release()).toBe('released');
    }
    const writer = await others.acquire(NAME, { wait: 0 });
    expect(await locks.tryAcquire(NAME, { mode: 'shared' })).toBeNull();
    await writer.release();
  });

  it('are let in all together when a writer ends, by a message alone', async () => {
    const writer = await locks.acquire(NAME, WRITE);
    // Its clock stands still: nothing that it does is done because time has passed.
    const store = new ClockedRedisStore(server.url, new ManualClock());
    const waiting = await lockService({ store, ...WRITE });
    const readers = [1, 2, 3].map(() => watch(waiting.acquire(NAME, { mode: 'shared' })));
    await queueOf(direct, NAME, 3);
    expect(await writer.release()).toBe('released');
    await Promise.all(readers.map(isGiven));
    expect(readers.map(({ value }) => value!.isHeld)).toEqual([true, true, true]);
  });
});

describe('one that waits to write', () => {
  it('comes before those that came later to read, and after those that were there', async () => {
    const early = await locks.acquire(NAME, READ);
    const writer = watch(others.acquire(NAME, WRITE));
    await queueOf(direct, NAME, 1);
    // Also in the process that reads already.
    expect(await locks.tryAcquire(NAME, { mode: 'shared' })).toBeNull();
    const late = watch(locks.acquire(NAME, READ));
    await queueOf(direct, NAME, 2);
    expect(writer.settled).toBe(false);
    expect(await early.release()).toBe('released');
    await isGiven(writer);
    expect(late.settled).toBe(false);
    expect(await writer.value!.release()).toBe('released');
    await isGiven(late);
    expect(late.value!.fencingToken).toBeGreaterThan(writer.value!.fencingToken);
  });

  it('lets those in that came later to read, if it gives up', async () => {
    const early = await locks.acquire(NAME, READ);
    const leaves = new AbortController();
    const writer = watch(others.acquire(NAME, { ...WRITE, signal: leaves.signal }));
    await queueOf(direct, NAME, 1);
    const late = watch(locks.acquire(NAME, READ));
    await queueOf(direct, NAME, 2);
    leaves.abort();
    await isGiven(late);
    expect(writer.value).toBeUndefined();
    expect(early.isHeld).toBe(true);
  });

  it('is not starved by readers who come all the time', async () => {
    let [reading, mostReading, reads, writing] = [0, 0, 0, 0];
    const violations: string[] = [];
    let isOver = false;
    const read = async () => {
      mostReading = Math.max(mostReading, ++reading);
      reads++;
      if (writing > 0) violations.push('reads beside a writer');
      // Longer than the next reader takes to come: without a queue the name would never be free.
      await sleep(30);
      reading--;
    };
    const readers = Array.from({ length: 10 }, async (_, i) => {
      await sleep(i * 3);
      while (!isOver) await (i % 2 ? locks : others).withLock(NAME, read, READ);
    });
    await until(() => reading > 5, { what: 'they read' });

    const writers = await lockService({ redis: server.url });
    const waits: number[] = [];
    for (let i = 0; i < 10; i++) {
      const readBefore = reads;
      const start = performance.now();
      await writers.withLock(
        NAME,
        async () => {
          waits.push(performance.now() - start);
          writing++;
          if (reading > 0) violations.push('writes beside a reader');
          await sleep(5);
          writing--;
        },
        WRITE,
      );
      await until(() => reads > readBefore + 5, { what: 'the readers go on' });
    }
    isOver = true;
    await Promise.all(readers);
    expect(violations).toEqual([]);
    expect(mostReading).toBeGreaterThan(5);
    expect(Math.max(...waits)).toBeLessThan(1_000);
  });
});
