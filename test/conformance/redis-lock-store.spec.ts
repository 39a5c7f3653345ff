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
import type { Cluster, Redis } from 'ioredis';
import type { AcquireRequest } from 'nestjs-locker';
import { RedisConnection } from '../../lib/stores/redis/redis-connection.js';
import { RedisLockStore } from '../../lib/stores/redis/redis-lock.store.js';
import { RedisCluster } from '../support/redis-cluster.js';
import { RedisServer } from '../support/redis-server.js';
import { until } from '../support/until.js';
import { behavesAsLockStore } from './lock-store.conformance.js';

jest.setTimeout(60_000);

describe('RedisLockStore on one server', () => {
  let server: RedisServer;
  let client: Redis;
  let store: RedisLockStore;
  beforeAll(async () => {
    server = await RedisServer.start();
    client = server.client();
  });
  afterAll(() => server.stop());
  beforeEach(async () => {
    await client.flushall();
    store = new RedisLockStore(new RedisConnection(client), 'lock');
  });

  afterEach(() => store.close());

  behavesAsLockStore(() => ({ store, pass: sleep, tells: true }));

  const request = (name: string, asked: Partial<AcquireRequest> = {}): AcquireRequest => ({
    name,
    kind: 'lock',
    units: 0,
    permits: 0,
    owner: 'a',
    ttlMs: 60_000,
    tokens: 1,
    holder: { service: 'billing', host: 'a', pid: 1 },
    ...asked,
  });

  it('leaves nothing behind for a name but the counter of its bucket', async () => {
    for (let i = 0; i < 1_000; i++) {
      await store.acquire(request(`invoice:${i}`));
      await store.release(request(`invoice:${i}`));
    }
    const keys = await client.keys('*');
    expect(keys.length).toBeLessThanOrEqual(256);
    expect(keys.filter((key) => !/^lock:\{\d+\}:tokens$/.test(key))).toEqual([]);
  });

  it('leaves nothing behind where some waited, shared and had permits', async () => {
    const registration = { number: 1, claimMs: 60_000, tokens: 1 };
    for (const [kind, units, permits] of [
      ['lock', 0, 0],
      ['lock', 1, 0],
      ['semaphore', 1, 2],
      ['semaphore', 2, 2],
    ] as const) {
      const name = `${kind}:${units}`;
      const owners = ['a', 'b', 'c', 'd', 'e'];
      for (const owner of owners) {
        await store.acquire(request(name, { kind, units, permits, owner, registration }));
      }
      await store.release({ name, kind, owner: 'd' });
      for (const owner of owners) await store.release({ name, kind, owner });
      expect(await store.inspect({ name, kind })).toEqual({ holders: [], waiting: 0, permits: 0 });
    }
    const keys = await client.keys('*');
    expect(keys.filter((key) => !key.endsWith(':tokens'))).toEqual([]);
  });

  it('keeps nothing for good of those that died', async () => {
    const registration = { number: 1, claimMs: 5_000, tokens: 1 };
    for (const [kind, units, permits] of [
      ['lock', 0, 0],
      ['lock', 1, 0],
      ['semaphore', 1, 1],
    ] as const) {
      for (const owner of ['a', 'b', 'c']) {
        const asked = { kind, units, permits, owner, registration };
        await store.acquire(request(`${kind}:${units}`, asked));
      }
    }
    await store.acquire(request('forced'));
    await store.forceRelease({ name: 'forced', kind: 'lock' });
    for (const key of await client.keys('*')) {
      if (key.endsWith(':tokens')) continue;
      expect(await client.pttl(key)).toBeGreaterThan(0);
      expect(await client.pttl(key)).toBeLessThanOrEqual(60_001);
    }
  });

  it('passes over a process that has gone, which keeps its place', async () => {
    const gone = new RedisLockStore(new RedisConnection(client), 'lock');
    gone.listen({ onHandOver() {}, onFreed() {}, onReconnect() {}, onSilence() {} });
    const wait = (from: RedisLockStore, owner: string, number: number) =>
      from.acquire(request('x', { owner, registration: { number, claimMs: 60_000, tokens: 1 } }));
    await store.acquire(request('x'));
    await wait(gone, 'b', 1); // which begins to listen
    await until(() => gone.tellsHandOvers('x'), { what: 'it is told of hand-overs' });
    await wait(gone, 'b', 2);
    await wait(store, 'c', 1);
    await gone.close();
    const channels = () => client.pubsub('CHANNELS', 'lock:*');
    await until(async () => (await channels()).length === 1, { what: 'it is gone' });
    await store.release(request('x'));
    expect(await store.inspect(request('x'))).toMatchObject({ holders: [{}], waiting: 1 });
    expect(await wait(store, 'c', 2)).toMatchObject({ status: 'granted' });
    await store.release(request('x', { owner: 'c' }));
    expect(await store.inspect(request('x'))).toMatchObject({ holders: [], waiting: 1 });
    expect(await wait(store, 'b', 3)).toMatchObject({ status: 'granted' });
  });

  it("fails on somebody else's key alone, and not the steps beside it", async () => {
    await client.set('lock:{68}:lease:invoice:42', 'a string');
    const [refused, granted] = await Promise.allSettled([
      store.acquire(request('invoice:42')),
      store.acquire(request('nightly-report')),
    ]);
    expect(String((refused as PromiseRejectedResult).reason)).toContain('WRONGTYPE');
    expect(granted).toMatchObject({ value: { status: 'granted' } });
  });

  it("lets the counter of a user's own tag end after a day, and keeps that of a bucket", async () => {
    await store.acquire(request('order:{42}'));
    await store.acquire(request('order:42'));
    const counters = await client.keys('lock:*:tokens');
    const [bucket] = counters.filter((key) => !key.includes('{42}'));
    expect(await client.ttl('lock:{42}:tokens')).toBeGreaterThan(86_000);
    expect(await client.ttl(bucket!)).toBe(-1);
  });
});

describe('RedisLockStore on a Cluster', () => {
  let cluster: RedisCluster;
  let client: Cluster;
  let store: RedisLockStore;
  /** Redis 6.2 has no channels of shards: there those that wait ask. */
  let tells: boolean;
  beforeAll(async () => {
    cluster = await RedisCluster.start();
    client = cluster.client();
    const [known] = (await client.call('COMMAND', 'INFO', 'spublish')) as unknown[];
    tells = known !== null;
  });
  afterAll(() => cluster.stop());
  beforeEach(async () => {
    await Promise.all(client.nodes('master').map((node) => node.flushall()));
    store = new RedisLockStore(new RedisConnection(client), 'lock');
  });

  afterEach(() => store.close());

  behavesAsLockStore(() => ({ store, pass: sleep, tells }));
});
