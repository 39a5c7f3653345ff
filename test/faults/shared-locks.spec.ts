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
import type { Lock, LockService } from 'nestjs-locker';
import { Child } from '../support/child-process.js';
import { leaseEnd, passed } from '../support/lease-end.js';
import { lockService, type Watched, watch } from '../support/lock-service.js';
import { nothingRemains, queueOf } from '../support/queue.js';
import { RedisServer } from '../support/redis-server.js';
import { until } from '../support/until.js';

jest.setTimeout(60_000);

const NAME = 'price-list';
const TTL = 2_000;
const WRITE = { ttl: '10 minutes', wait: Infinity } as const;
const READ = { ...WRITE, mode: 'shared' } as const;
/** What a round trip may take on a machine that others are busy on. */
const SLACK_MS = 500;

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

/** A process of its own that holds the name. */
async function holder(options: object): Promise<Child> {
  const program = new URL('../integration/fixtures/waits-for-a-lock.ts', import.meta.url);
  const asked = JSON.stringify({ ttl: TTL, ...options });
  const child = Child.start(program, server.url, NAME, asked);
  await child.told('granted');
  return child;
}

const isGiven = (waiter: Watched<Lock>) =>
  until(() => waiter.settled, { what: 'it is given', timeoutMs: 15_000 }).then(() =>
    expect(waiter.error).toBeUndefined(),
  );

describe('a reader that is killed', () => {
  it('blocks one that waits to write until its ttl ends, and no longer', async () => {
    const reader = await holder({ mode: 'shared' });
    const writer = watch(locks.acquire(NAME, WRITE));
    await queueOf(direct, NAME, 1);
    await reader.kill();
    const end = await leaseEnd(direct, NAME);
    expect(end).toBeLessThan(performance.now() + TTL + 50);
    await isGiven(writer);
    expect(performance.now()).toBeGreaterThan(end - 50);
    expect(performance.now()).toBeLessThan(end + SLACK_MS);
    expect(await writer.value!.release()).toBe('released');
  });

  it('does not hold up the writer once the readers that live have ended', async () => {
    const killed = await holder({ mode: 'shared' });
    const living = await others.acquire(NAME, { ...READ, ttl: TTL });
    const writer = watch(locks.acquire(NAME, WRITE));
    await queueOf(direct, NAME, 1);
    const end = performance.now() + TTL;
    await killed.kill();
    await passed(end + SLACK_MS);
    expect(living.isHeld).toBe(true);
    expect(writer.settled).toBe(false);
    const start = performance.now();
    expect(await living.release()).toBe('released');
    await isGiven(writer);
    expect(performance.now() - start).toBeLessThan(SLACK_MS);
    expect(await writer.value!.release()).toBe('released');
  });
});

describe('a writer that is killed', () => {
  it('is followed by all that wait to read, when its ttl ends', async () => {
    const writer = await holder({});
    const readers = [1, 2].map(() => watch(locks.acquire(NAME, READ)));
    readers.push(watch(others.acquire(NAME, READ)));
    await queueOf(direct, NAME, 3);
    await writer.kill();
    const end = await leaseEnd(direct, NAME);
    await Promise.all(readers.map(isGiven));
    expect(performance.now()).toBeGreaterThan(end - 50);
    expect(performance.now()).toBeLessThan(end + SLACK_MS);
    expect(readers.map(({ value }) => value!.isHeld)).toEqual([true, true, true]);
    for (const { value } of readers) expect(await value!.release()).toBe('released');
  });

  it('while it waits does not hold back those that read for longer than a claim', async () => {
    const reading = await locks.acquire(NAME, READ);
    const program = new URL('../integration/fixtures/waits-for-a-lock.ts', import.meta.url);
    const writer = Child.start(program, server.url, NAME);
    await queueOf(direct, NAME, 1);
    const reader = watch(others.acquire(NAME, READ));
    await queueOf(direct, NAME, 2);
    const start = performance.now();
    await writer.kill();
    await isGiven(reader);
    expect(performance.now() - start).toBeLessThan(3_000 * (4 / 3) + SLACK_MS);
    expect(reading.isHeld).toBe(true);
  });
});
