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
import type { Lock, LockService, Semaphore } from 'nestjs-locker';
import { Child } from '../support/child-process.js';
import { lockService, type Watched, watch } from '../support/lock-service.js';
import { nothingRemains } from '../support/queue.js';
import { RedisServer } from '../support/redis-server.js';
import { until } from '../support/until.js';

jest.setTimeout(60_000);

const NAME = 'tax-authority';
const TTL = 2_000;
const LONG = { ttl: '10 minutes', wait: Infinity } as const;
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

/** A process of its own that has permits, and gives them back when told to. */
async function holder(permits: number, options: object = {}) {
  const program = new URL('./fixtures/holds-permits.ts', import.meta.url);
  const asked = JSON.stringify({ ttl: TTL, ...options });
  const child = Child.start(program, server.url, NAME, String(permits), asked);
  const { token } = await child.told<{ token: number }>('granted');
  return { child, token };
}

const isGiven = (waiter: Watched<Lock>) =>
  until(() => waiter.settled, { what: 'it is given', timeoutMs: 15_000 }).then(() =>
    expect(waiter.error).toBeUndefined(),
  );
const waitFor = (semaphore: Semaphore, count: number) =>
  until(async () => (await semaphore.inspect()).waiting === count, { what: `${count} wait` });
const tokensOf = async (semaphore: Semaphore) =>
  (await semaphore.inspect()).holders.map(({ fencingToken }) => fencingToken);

/** Between which times the permits with this token end, if nobody renews them. */
async function endOf(semaphore: Semaphore, token: number): Promise<{ from: number; to: number }> {
  const asked = performance.now();
  const { holders } = await semaphore.inspect();
  const { remainingMs } = holders.find(({ fencingToken }) => fencingToken === token)!;
  return { from: asked + remainingMs, to: performance.now() + remainingMs };
}

describe('a process with permits that is killed', () => {
  it('gives its permit to the first that waits when its ttl ends, and nobody else’s', async () => {
    const semaphore = locks.semaphore(NAME, 2);
    const { child, token } = await holder(2);
    const mine = await semaphore.acquire(LONG);
    const waiters = [watch(others.semaphore(NAME, 2).acquire(LONG))];
    await waitFor(semaphore, 1);
    waiters.push(watch(locks.semaphore(NAME, 2).acquire(LONG)));
    await waitFor(semaphore, 2);
    await child.kill();
    const end = await endOf(semaphore, token);
    expect(end.to).toBeLessThan(performance.now() + TTL);

    await isGiven(waiters[0]!);
    expect(performance.now()).toBeGreaterThan(end.from - 50);
    expect(performance.now()).toBeLessThan(end.to + SLACK_MS);
    const given = waiters[0]!.value!;
    expect(await tokensOf(semaphore)).toEqual([mine.fencingToken, given.fencingToken]);
    expect(waiters[1]!.settled).toBe(false);
    expect(await mine.release()).toBe('released');
    await isGiven(waiters[1]!);
    expect(await given.release()).toBe('released');
  });

  it('gives all of them back, if it has several', async () => {
    const semaphore = locks.semaphore(NAME, 3);
    const { child } = await holder(3, { count: 3 });
    const waiters = [1, 2, 3].map(() => watch(others.semaphore(NAME, 3).acquire(LONG)));
    await waitFor(semaphore, 3);
    const killed = performance.now();
    await child.kill();
    await Promise.all(waiters.map(isGiven));
    expect(performance.now() - killed).toBeLessThan(TTL + SLACK_MS);
    expect((await semaphore.inspect()).holders).toHaveLength(3);
  });

  it('blocks no try for longer than its ttl, where nobody waits', async () => {
    const { child } = await holder(1);
    const killed = performance.now();
    await child.kill();
    const semaphore = locks.semaphore(NAME, 1);
    expect(await semaphore.tryAcquire()).toBeNull();
    let permit: Lock | null = null;
    const isFree = async () => (permit = await semaphore.tryAcquire()) !== null;
    await until(isFree, { what: 'its permit is free' });
    expect(performance.now() - killed).toBeLessThan(TTL + SLACK_MS);
    await permit!.release();
  });
});

describe('a process that gives back late', () => {
  it('takes nobody’s permit', async () => {
    const semaphore = locks.semaphore(NAME, 2);
    const { child, token } = await holder(2);
    const mine = await semaphore.acquire(LONG);
    const waiter = watch(others.semaphore(NAME, 2).acquire(LONG));
    await waitFor(semaphore, 1);
    child.signal('SIGSTOP');
    await isGiven(waiter);
    const tokens = [mine.fencingToken, waiter.value!.fencingToken];
    expect(await tokensOf(semaphore)).toEqual(tokens);
    expect(tokens).not.toContain(token);

    child.write('release\n');
    child.signal('SIGCONT');
    const { outcome } = await child.told<{ outcome: string }>('released');
    expect(outcome).not.toBe('released');
    expect(await child.exit()).toEqual({ code: 0, errors: '' });
    expect(await tokensOf(semaphore)).toEqual(tokens);
    expect(await others.semaphore(NAME, 2).tryAcquire()).toBeNull();
    expect(await mine.release()).toBe('released');
    expect(await waiter.value!.release()).toBe('released');
  });
});
