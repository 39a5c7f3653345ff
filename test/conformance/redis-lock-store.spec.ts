import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { Cluster, Redis } from 'ioredis';
import { RedisConnection } from '../../lib/stores/redis/redis-connection.js';
import { RedisLockStore } from '../../lib/stores/redis/redis-lock.store.js';
import { RedisCluster } from '../support/redis-cluster.js';
import { RedisServer } from '../support/redis-server.js';
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

  behavesAsLockStore(() => ({ store, pass: sleep }));

  it('leaves nothing behind for a name but the counter of its bucket', async () => {
    const holder = { service: 'billing', host: 'a', pid: 1 };
    for (let i = 0; i < 1_000; i++) {
      await store.acquire({ name: `invoice:${i}`, owner: 'a', ttlMs: 60_000, holder });
      await store.release({ name: `invoice:${i}`, owner: 'a' });
    }
    const keys = await client.keys('*');
    expect(keys.length).toBeLessThanOrEqual(256);
    expect(keys.filter((key) => !/^lock:\{\d+\}:tokens$/.test(key))).toEqual([]);
  });

  it("lets the counter of a user's own tag end after a day, and keeps that of a bucket", async () => {
    const holder = { service: 'billing', host: 'a', pid: 1 };
    await store.acquire({ name: 'order:{42}', owner: 'a', ttlMs: 60_000, holder });
    await store.acquire({ name: 'order:42', owner: 'a', ttlMs: 60_000, holder });
    const [bucket] = (await client.keys('lock:*:tokens')).filter((key) => !key.includes('{42}'));
    expect(await client.ttl('lock:{42}:tokens')).toBeGreaterThan(86_000);
    expect(await client.ttl(bucket!)).toBe(-1);
  });
});

describe('RedisLockStore on a Cluster', () => {
  let cluster: RedisCluster;
  let client: Cluster;
  let store: RedisLockStore;
  beforeAll(async () => {
    cluster = await RedisCluster.start();
    client = cluster.client();
  });
  afterAll(() => cluster.stop());
  beforeEach(async () => {
    await Promise.all(client.nodes('master').map((node) => node.flushall()));
    store = new RedisLockStore(new RedisConnection(client), 'lock');
  });

  behavesAsLockStore(() => ({ store, pass: sleep }));
});
