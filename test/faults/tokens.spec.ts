import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { Redis } from 'ioredis';
import type { LockService } from 'nestjs-locker';
import { Child } from '../support/child-process.js';
import { leaseKey, lockKeys } from '../support/lease-end.js';
import { afterTest, lockService } from '../support/lock-service.js';
import { RedisServer } from '../support/redis-server.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { until } from '../support/until.js';

jest.setTimeout(60_000);

const NAME = 'invoice:42';
const { tokenCounter: COUNTER } = lockKeys(NAME);
const HOUR_US = 3_600_000_000;

let server: RedisServer;
let direct: Redis;
let locks: LockService;
let other: LockService;

beforeAll(async () => {
  server = await RedisServer.start();
  direct = server.client({ retryStrategy: () => 10 });
});
afterAll(() => server.stop());
beforeEach(async () => {
  await direct.flushall();
  locks = await lockService({ redis: server.url, reports: false });
  other = await lockService({ redis: server.url, reports: false });
});

/** Takes and gives back a name, and tells the token. */
const takeToken = (service: LockService, name = NAME) =>
  service.withLock(name, (lock) => lock.fencingToken);

/** Resolves once a service is connected (again). */
const answers = (service: LockService) =>
  until(
    () =>
      service.inspect(NAME).then(
        () => true,
        () => false,
      ),
    {
      what: 'the service is connected',
      timeoutMs: 20_000,
    },
  );

/** The same numbers as they would have to come: each larger than the one before. */
const growing = (tokens: readonly number[]): number[] =>
  Array.from(new Set(tokens.filter(Number.isSafeInteger))).sort((a, b) => a - b);

/** A time ahead of Redis', as the counter has it when the server's clock has been set back since. */
async function counterAhead(): Promise<number> {
  const [seconds] = await direct.time();
  const ahead = Number(seconds) * 1_000_000 + HOUR_US;
  await direct.set(COUNTER, ahead);
  return ahead;
}

describe('fencing tokens grow', () => {
  it('with every acquisition, in whichever service', async () => {
    const tokens: number[] = [];
    for (let i = 0; i < 20; i++) tokens.push(await takeToken(i % 2 ? locks : other));
    const names = Array.from({ length: 20 }, () => NAME);
    const handedOver: number[] = [];
    const held = names.map((name, i) =>
      (i % 2 ? locks : other).withLock(name, (lock) => handedOver.push(lock.fencingToken), {
        wait: '1 minute',
      }),
    );
    await Promise.all(held);
    tokens.push(...handedOver);
    expect(tokens).toHaveLength(40);
    expect(tokens).toEqual(growing(tokens));
  });

  it('over processes', async () => {
    const before = await takeToken(locks);
    const child = Child.start(
      new URL('./fixtures/take-tokens.ts', import.meta.url),
      server.url,
      NAME,
      NAME,
    );
    const { tokens } = await child.told<{ tokens: number[] }>('tokens');
    expect(tokens).toHaveLength(2);
    const all = [before, ...tokens, await takeToken(other)];
    expect(all).toEqual(growing(all));
  });

  it("over every name of one tag, by a counter of the tag's own", async () => {
    const tokens: number[] = [];
    for (let i = 0; i < 10; i++) tokens.push(await takeToken(i % 2 ? locks : other, `{order}${i}`));
    expect(tokens).toEqual(growing(tokens));
    expect(Number(await direct.get('lock:{order}:tokens'))).toBe(tokens.at(-1));
  });

  it("although the server's clock was set back", async () => {
    const ahead = await counterAhead();
    const tokens = [await takeToken(locks), await takeToken(other), await takeToken(locks)];
    expect(tokens).toEqual([ahead + 1, ahead + 2, ahead + 3]);
  });
});

describe('fencing tokens do not go back', () => {
  it.each([
    ['after FLUSHALL', () => direct.flushall()],
    ['after a restart without data', () => server.restart()],
    ['after the eviction of their counter', () => direct.del(COUNTER)],
  ])('%s', async (_when, forget) => {
    const tokens = [await takeToken(locks), await takeToken(other), await takeToken(locks)];
    await forget();
    await Promise.all([answers(locks), answers(other)]);
    tokens.push(await takeToken(other), await takeToken(locks));
    expect(tokens).toEqual(growing(tokens));
  });
});

describe('the fencing token of a lock', () => {
  it('stays its own when it is stale; the present holder has a larger one', async () => {
    const stale = await locks.acquire(NAME, { ttl: 100, renew: false });
    const token = stale.fencingToken;
    await until(async () => !(await direct.exists(leaseKey(NAME))), { what: 'it expired' });
    const present = await other.acquire(NAME);
    expect(present.fencingToken).toBeGreaterThan(token);
    expect(stale.fencingToken).toBe(token);
    await stale.release();
    expect(stale.fencingToken).toBe(token);
    expect((await locks.inspect(NAME))?.fencingToken).toBe(present.fencingToken);
  });

  it('is the one that Redis wrote, although its answer was lost and the command sent again', async () => {
    const proxy = await TcpProxy.start(server.port);
    afterTest(() => proxy.stop());
    const cutOff = await lockService({ redis: proxy.url, storeTimeout: 20_000 });
    let asked = 0;
    proxy.onRequest = (data) => {
      if (data.includes(leaseKey(NAME))) asked++;
    };
    proxy.dropReplies = true;
    const acquiring = cutOff.acquire(NAME);
    await until(async () => !!(await direct.exists(leaseKey(NAME))), { what: 'it is granted' });
    const granted = (await other.inspect(NAME))!.fencingToken;
    proxy.cut();
    proxy.dropReplies = false;
    const lock = await acquiring;
    expect(asked).toBeGreaterThan(1);
    expect(lock.fencingToken).toBe(granted);
    expect(Number(await direct.get(COUNTER))).toBe(granted);
    expect(await lock.release()).toBe('released');
  });

  it('is not changed by renewals and extensions', async () => {
    const lock = await locks.acquire(NAME);
    const token = lock.fencingToken;
    await lock.extend('1 minute');
    expect(lock.fencingToken).toBe(token);
    expect((await other.inspect(NAME))?.fencingToken).toBe(token);
    expect(Number(await direct.get(COUNTER))).toBe(token);
  });
});

describe('what is left of released names', () => {
  it('is a counter for each of 256 buckets at most', async () => {
    const names = Array.from({ length: 2_000 }, (_, i) => `invoice:${i}`);
    const options = { storeTimeout: '1 minute', reports: false } as const;
    const patient = await lockService({ redis: server.url, ...options });
    await Promise.all(names.map((name) => takeToken(patient, name)));
    const keys = await direct.keys('*');
    expect(keys.length).toBeLessThanOrEqual(256);
    expect(keys.filter((key) => !/^lock:\{\d{1,3}\}:tokens$/.test(key))).toEqual([]);
    expect(await direct.ttl(keys[0]!)).toBe(-1);
  });

  it("is, for a user's own tag, a counter that ends after a day without use", async () => {
    await takeToken(locks, '{tenant-7}:report');
    expect(await direct.keys('*tenant-7*')).toEqual(['lock:{tenant-7}:tokens']);
    const day = 86_400;
    const ttl = await direct.ttl('lock:{tenant-7}:tokens');
    expect(ttl).toBeGreaterThan(day - 60);
    expect(ttl).toBeLessThanOrEqual(day);
    await direct.expire('lock:{tenant-7}:tokens', 100);
    await takeToken(locks, '{tenant-7}:report');
    expect(await direct.ttl('lock:{tenant-7}:tokens')).toBeGreaterThan(day - 60);
  });
});
