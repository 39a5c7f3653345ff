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
import { Child } from '../support/child-process.js';
import { leaseEnd, passed } from '../support/lease-end.js';
import { errorOf, lockService, watch } from '../support/lock-service.js';
import { nothingRemains, queueOf } from '../support/queue.js';
import { RedisServer } from '../support/redis-server.js';
import { until } from '../support/until.js';

jest.setTimeout(60_000);

const NAME = 'invoice:42';
const TTL = 1_500;
const LONG = { ttl: '10 minutes', wait: Infinity } as const;
/** What a round trip may take on a machine that others are busy on. */
const SLACK_MS = 500;

let server: RedisServer;
let direct: Redis;
let locks: LockService;
let others: LockService;
let worker: Child;
beforeAll(async () => {
  server = await RedisServer.start();
  direct = server.client();
});
afterAll(() => server.stop());
beforeEach(async () => {
  await direct.flushall();
  locks = await lockService({ redis: server.url });
  others = await lockService({ redis: server.url });
  worker = Child.start(new URL('./fixtures/attaches-a-lock.ts', import.meta.url), server.url);
  // Its start takes longer than the ttl.
  await worker.told('ready');
});
afterEach(() => nothingRemains(direct));

/** Detaches a lock here and has the worker attach it. */
async function handOn(lock: Lock): Promise<string> {
  const text = lock.detach();
  worker.write(`${text}\n`);
  expect(await worker.told('attached')).toMatchObject({ token: lock.fencingToken });
  return text;
}

describe('a lock that another process attaches', () => {
  it('is renewed there beyond its ttl and given back there, and is nobody else’s meanwhile', async () => {
    const lock = await locks.acquire(NAME, { ttl: TTL });
    const { signal } = lock;
    const detached = await leaseEnd(direct, NAME);
    const attempts: unknown[] = [];
    const contention = until(
      async () => {
        attempts.push(await others.tryAcquire(NAME));
        return performance.now() > detached + TTL;
      },
      { what: 'it is held for longer than its ttl', timeoutMs: 20_000 },
    );
    await handOn(lock);
    const { pid } = await worker.told<{ pid: number }>('attached');
    expect(pid).not.toBe(process.pid);
    await contention;
    expect(new Set(attempts)).toEqual(new Set([null]));
    expect(await others.inspect(NAME)).toMatchObject({
      fencingToken: lock.fencingToken,
      holder: { pid },
    });

    const waiter = watch(others.acquire(NAME, LONG));
    await queueOf(direct, NAME, 1);
    worker.write('release\n');
    expect(await worker.told('released')).toEqual({
      type: 'released',
      outcome: 'released',
      events: ['acquired', 'released'],
    });
    await until(() => waiter.settled, { what: 'the next one has it' });
    expect(waiter.value!.fencingToken).toBeGreaterThan(lock.fencingToken);
    expect(await worker.exit()).toEqual({ code: 0, errors: '' });
    expect(signal.aborted).toBe(false);
    expect(await waiter.value!.release()).toBe('released');
  });

  it('is free after its ttl if that process is killed', async () => {
    const lock = await locks.acquire(NAME, { ttl: TTL });
    const detached = await leaseEnd(direct, NAME);
    await handOn(lock);
    const waiter = watch(others.acquire(NAME, LONG));
    await queueOf(direct, NAME, 1);
    await until(async () => (await leaseEnd(direct, NAME)) > detached + TTL, {
      what: 'it is renewed there',
    });
    await worker.kill();
    const end = await leaseEnd(direct, NAME);
    expect(end).toBeLessThan(performance.now() + TTL + 50);
    await until(() => waiter.settled, { what: 'the next one has it' });
    expect(performance.now()).toBeGreaterThan(end - 50);
    expect(performance.now()).toBeLessThan(end + SLACK_MS);
    expect(waiter.value!.fencingToken).toBeGreaterThan(lock.fencingToken);
    expect(await waiter.value!.release()).toBe('released');
  });

  it('cannot be attached again once that process is killed', async () => {
    const lock = await locks.acquire(NAME, { ttl: TTL });
    const text = await handOn(lock);
    await worker.kill();
    expect(await errorOf(others.attach(text))).toBeInstanceOf(LockLostError);
    expect(await others.tryAcquire(NAME)).toBeNull();
    await passed(await leaseEnd(direct, NAME));
    expect(await errorOf(others.attach(text))).toMatchObject({ reason: 'expired' });
  });

  it('is lost to it if the ttl passes on the way, and what came after is left alone', async () => {
    const text = (await locks.acquire(NAME, { ttl: TTL })).detach();
    const next = await others.acquire(NAME, LONG);
    worker.write(`${text}\n`);
    const { code, errors } = await worker.exit();
    expect(code).not.toBe(0);
    expect(errors).toContain(LockLostError.name);
    expect(await others.inspect(NAME)).toMatchObject({ fencingToken: next.fencingToken });
    expect(await next.release()).toBe('released');
  });
});
