import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { Redis } from 'ioredis';
import * as lua from '../../lib/stores/redis/lua.js';
import { Child } from '../support/child-process.js';
import { leaseEnd, passed } from '../support/lease-end.js';
import { afterTest, lockService } from '../support/lock-service.js';
import { RedisServer } from '../support/redis-server.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { until } from '../support/until.js';

jest.setTimeout(60_000);

const NAME = 'invoice:42';
const RENEW = createHash('sha1').update(lua.renew).digest('hex');

let server: RedisServer;
let direct: Redis;
let proxy: TcpProxy;
let requests: string[];

beforeAll(async () => {
  server = await RedisServer.start();
  direct = server.client();
  await direct.script('LOAD', lua.renew);
});
afterAll(() => server.stop());
beforeEach(async () => {
  await direct.flushall();
  proxy = await TcpProxy.start(server.port);
  afterTest(() => proxy.stop());
  requests = [];
  proxy.onRequest = (data) => requests.push(data.toString());
});

const renewals = () => requests.filter((request) => request.includes(RENEW)).length;
const program = (name: string) => new URL(`./fixtures/${name}.ts`, import.meta.url);

describe('renewal', () => {
  it('is no hot loop at the shortest ttl', async () => {
    const ttl = 50;
    const locks = await lockService({ redis: server.url });
    const start = performance.now();
    await direct.config('RESETSTAT');
    let taken = 0;
    while (performance.now() - start < 1_000) {
      // A busy machine may lose it; what that costs is counted apart.
      const lock = await locks.acquire(NAME, { ttl });
      taken++;
      while (lock.isHeld && performance.now() - start < 1_000) await sleep(5);
      await lock.release();
    }
    const stats = /cmdstat_evalsha:calls=(\d+)/.exec(await direct.info('commandstats'));
    const commands = Number(stats![1]);
    // Every ttl/3, or ttl/6 while there is no answer; and at most ten to take and to give back.
    const unanswered = (performance.now() - start) / (ttl / 6);
    expect(commands).toBeLessThanOrEqual(unanswered + 10 * taken);
    expect(commands).toBeGreaterThan(2 * taken);
  });

  it('stops with the release', async () => {
    const ttl = 900;
    const locks = await lockService({ redis: proxy.url });
    const lock = await locks.acquire(NAME, { ttl });
    await until(() => renewals() > 1, { what: 'it is renewed' });
    expect(await lock.release()).toBe('released');
    requests = [];
    await passed(performance.now() + ttl);
    expect(requests).toEqual([]);
  });

  it('counts from the send of the acquire: a slow reply does not put it behind the expiry', async () => {
    const ttl = 3_000;
    const locks = await lockService({ redis: proxy.url, storeTimeout: 10_000 });
    proxy.delayMs = { replies: 0.4 * ttl };
    const lock = await locks.acquire(NAME, { ttl });
    const end = await leaseEnd(direct, NAME);
    await passed(end);
    expect(lock.signal.reason).toBeUndefined();
    expect(lock.isHeld).toBe(true);
    proxy.delayMs = 0;
    expect(await lock.release()).toBe('released');
  });

  it('ends at the deadline when Redis does not answer, and stops then', async () => {
    const locks = await lockService({ redis: proxy.url, storeTimeout: 100 });
    const lock = await locks.acquire(NAME, { ttl: 1_200 });
    proxy.dropRequests = true;
    await until(() => lock.signal.aborted, { what: 'the signal aborts' });
    expect(lock.signal.reason).toMatchObject({ reason: 'deadline' });
    const tried = renewals();
    expect(tried).toBeGreaterThan(1);
    await passed(performance.now() + 1_200);
    expect(renewals()).toBe(tried);
  });

  it('begins again with the next lock', async () => {
    const locks = await lockService({ redis: proxy.url });
    for (const name of ['first', 'second']) {
      await using lock = await locks.acquire(name, { ttl: 1_800 });
      requests = [];
      await until(() => renewals() > 1, { what: `"${name}" is renewed` });
      expect(lock.isHeld).toBe(true);
    }
  });
});

describe('a process that holds locks', () => {
  it('ends by itself with its work, whatever it holds (memory)', async () => {
    const child = Child.start(program('ends-by-itself'));
    expect(await child.told('done')).toMatchObject({ held: [true, true] });
    expect(await child.exit()).toEqual({ code: 0, errors: '' });
  });

  it('stays up for those that wait, whatever else has ended', async () => {
    const child = Child.start(program('waits-in-memory'));
    expect(await child.told('done')).toMatchObject({ error: 'LockTimeoutError' });
    expect(await child.exit()).toEqual({ code: 0, errors: '' });
  });

  it('ends by itself once its application is closed (Redis)', async () => {
    const child = Child.start(program('ends-by-itself'), server.url);
    expect(await child.told('done')).toMatchObject({ held: [false, false] });
    expect(await child.exit()).toEqual({ code: 0, errors: '' });
    expect(await direct.keys('*:lease:*')).toEqual([]);
  });

  it.each([
    ['has crashed', (gone: RedisServer) => gone.kill()],
    ['hangs', async (gone: RedisServer) => gone.pause()],
  ])('is told of each loss, and of nothing else, when Redis %s', async (_what, stop) => {
    const gone = await RedisServer.start();
    afterTest(() => gone.stop());
    const child = Child.start(program('redis-gone'), gone.url);
    await child.told('holding');
    await stop(gone);
    child.write('gone\n');
    expect(await child.told('lost')).toEqual({
      type: 'lost',
      reasons: { unwatched: 'deadline', watched: 'deadline', working: 'deadline' },
      release: 'LOCK_STORE_UNREACHABLE',
      acquire: 'LOCK_STORE_UNREACHABLE',
      work: 'LOCK_LOST',
    });
    // An unhandled rejection would be an exit code and a stack.
    expect(await child.exit()).toEqual({ code: 0, errors: '' });
  });
});
