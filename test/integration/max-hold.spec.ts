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
import { type Lock, LockLostError, type LockService } from 'nestjs-locker';
import { leaseEnd, passed } from '../support/lease-end.js';
import { errorOf, eventsOf, lockService, type Watched, watch } from '../support/lock-service.js';
import { nothingRemains, queueOf } from '../support/queue.js';
import { RedisServer } from '../support/redis-server.js';
import { until } from '../support/until.js';

jest.setTimeout(60_000);

const NAME = 'invoice:42';
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

const isGiven = (waiter: Watched<Lock>) =>
  until(() => waiter.settled, { what: 'it is given' }).then(() =>
    expect(waiter.error).toBeUndefined(),
  );
const aborts = ({ signal }: Lock) =>
  new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));

describe('a lock that is held for longer than maxHold', () => {
  it('is lost then, in spite of its renewals: its signal aborts, and others get it', async () => {
    const events = eventsOf(locks);
    const start = performance.now();
    const lock = await locks.acquire(NAME, { ttl: 600, maxHold: 1_500 });
    const waiter = watch(others.acquire(NAME, LONG));
    await queueOf(direct, NAME, 1);
    const toldAfterMs = await aborts(lock).then(() => performance.now() - start);
    // It is told before others can have it.
    expect(waiter.settled).toBe(false);
    expect(toldAfterMs).toBeGreaterThan(1_400);
    expect(toldAfterMs).toBeLessThan(1_500 + SLACK_MS);
    expect(lock.isHeld).toBe(false);
    expect(lock.signal.reason).toBeInstanceOf(LockLostError);
    expect(lock.signal.reason).toMatchObject({ reason: 'max-hold' });
    expect(locks.held()).toEqual([]);

    await isGiven(waiter);
    expect(performance.now() - start).toBeLessThan(1_500 + SLACK_MS);
    expect(waiter.value!.fencingToken).toBeGreaterThan(lock.fencingToken);
    expect(await lock.release()).not.toBe('released');
    expect(waiter.value!.isHeld).toBe(true);
    expect(await waiter.value!.release()).toBe('released');
    expect(events).toEqual([
      expect.objectContaining({ type: 'acquired', fencingToken: lock.fencingToken }),
      expect.objectContaining({
        type: 'lost',
        fencingToken: lock.fencingToken,
        reason: 'max-hold',
      }),
    ]);
  });

  it('costs withLock its result, which the error keeps', async () => {
    const work = async (lock: Lock) => {
      await aborts(lock);
      return 'done too late';
    };
    const error = await errorOf(locks.withLock(NAME, work, { maxHold: 400 }));
    expect(error).toBeInstanceOf(LockLostError);
    expect(error).toMatchObject({ reason: 'max-hold', result: 'done too late' });
  });

  it('cannot be kept by extending it', async () => {
    const start = performance.now();
    const lock = await locks.acquire(NAME, { ttl: 600, maxHold: 1_000 });
    await lock.extend('10 minutes');
    expect(lock.remainingMs).toBeLessThanOrEqual(1_000);
    expect(await leaseEnd(direct, NAME)).toBeLessThan(start + 1_000 + SLACK_MS);
    await until(() => lock.signal.aborted, { what: 'its signal aborts' });
    expect(performance.now() - start).toBeLessThan(1_000 + SLACK_MS);
    expect(lock.signal.reason).toMatchObject({ reason: 'max-hold' });
    await others.acquire(NAME, { wait: SLACK_MS });
  });

  it('of several names is lost as a whole', async () => {
    const lock = await locks.acquire(['a', 'b'], { maxHold: 400 });
    const { signal } = lock;
    await until(() => signal.aborted, { what: 'its signal aborts' });
    expect(signal.reason).toMatchObject({ reason: 'max-hold' });
    const next = await others.acquire(['a', 'b'], { wait: SLACK_MS });
    expect(next.isHeld).toBe(true);
  });

  it('gives its permits back', async () => {
    const permit = await locks.semaphore(NAME, 1).acquire({ maxHold: 400 });
    const waiter = watch(others.semaphore(NAME, 1).acquire(LONG));
    await until(() => permit.signal.aborted, { what: 'its signal aborts' });
    expect(permit.signal.reason).toMatchObject({ reason: 'max-hold' });
    await isGiven(waiter);
  });
});

describe('a maxHold below the ttl', () => {
  it('shortens the lease in Redis, so that a crash blocks the name no longer than that', async () => {
    const lock = await locks.acquire(NAME, { ...LONG, maxHold: 1_000 });
    const end = await leaseEnd(direct, NAME);
    expect(end).toBeLessThan(performance.now() + 1_000 + 50);
    expect(performance.now() + lock.remainingMs).toBeLessThanOrEqual(end);
    await lock.release();
  });

  it('shortens a lease that was waited for, too, and counts from when it was given', async () => {
    const held = await others.acquire(NAME, LONG);
    const waiter = watch(locks.acquire(NAME, { ...LONG, maxHold: 1_000 }));
    await queueOf(direct, NAME, 1);
    // Longer than it may be held.
    await passed(performance.now() + 1_100);
    const released = performance.now();
    await held.release();
    await isGiven(waiter);
    const lock = waiter.value!;
    expect(lock.isHeld).toBe(true);
    let end = Infinity;
    const isShortened = async () =>
      (end = await leaseEnd(direct, NAME)) < released + 1_000 + SLACK_MS;
    await until(isShortened, { what: 'its lease is shortened', timeoutMs: 800 });
    await until(() => lock.signal.aborted, { what: 'its signal aborts' });
    expect(performance.now() - released).toBeGreaterThan(900);
    expect(performance.now()).toBeLessThan(end + SLACK_MS);
    expect(lock.signal.reason).toMatchObject({ reason: 'max-hold' });
    await others.acquire(NAME, { wait: SLACK_MS });
  });
});
