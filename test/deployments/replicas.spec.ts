import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { Redis } from 'ioredis';
import { LockOptionsError, LockStoreError } from 'nestjs-locker';
import { afterTest, errorOf, lockService, watch } from '../support/lock-service.js';
import { queueOf } from '../support/queue.js';
import { RedisServer } from '../support/redis-server.js';
import { until } from '../support/until.js';

jest.setTimeout(60_000);

describe('minReplicas', () => {
  let primary: RedisServer;
  let replica: RedisServer;
  let direct: Redis;
  beforeEach(async () => {
    primary = await RedisServer.start({ args: ['--repl-diskless-sync-delay', '0'] });
    afterTest(() => primary.stop());
    replica = await RedisServer.start({
      args: ['--replicaof', '127.0.0.1', String(primary.port)],
    });
    afterTest(() => replica.stop());
    direct = primary.client();
    // "online" comes before it has loaded what it was sent.
    const follows = async () => {
      await direct.set('follows', 1);
      return (await direct.wait(1, 500)) === 1;
    };
    await until(follows, { what: 'the replica follows', timeoutMs: 15_000 });
  });

  it('counts on how many the lease has arrived', async () => {
    const locks = await lockService({ redis: primary.url });
    const lock = await locks.acquire('a', { minReplicas: 1 });
    expect(lock.replicas).toBe(1);
    expect((await locks.acquire('b')).replicas).toBeUndefined();
    expect(await replica.client().keys('lock:*:lease:a')).toHaveLength(1);
    await lock.release();
  });

  it('is a failed acquire where there are too few, with nothing left behind', async () => {
    const locks = await lockService({ redis: primary.url });
    const error = await errorOf(locks.acquire('a', { minReplicas: 2 }));
    expect(error).toBeInstanceOf(LockStoreError);
    expect((error as Error).message).toContain('1 of 2 replicas');
    await until(async () => (await locks.inspect('a')) === null, { what: 'the name is free' });
    expect(locks.held()).toEqual([]);
  });

  it('is refused by a store that has none', async () => {
    const locks = await lockService({ store: 'memory' });
    const error = await errorOf(locks.acquire('a', { minReplicas: 1 }));
    expect(error).toBeInstanceOf(LockOptionsError);
    expect(await locks.inspect('a')).toBeNull();
  });

  it('costs no other lock while a replica stands still', async () => {
    const locks = await lockService({ redis: primary.url });
    const plain = await locks.acquire('plain', { ttl: 1_500 });
    replica.pause();
    afterTest(() => replica.resume());
    const all = Array.from({ length: 10 }, (_, i) =>
      watch(locks.acquire(`r${i}`, { minReplicas: 1, wait: 0 })),
    );
    const innocent = watch(locks.acquire('innocentcent'));
    await until(() => innocent.settled, { what: 'innocent', timeoutMs: 15_000 });
    await until(() => all.every((w) => w.settled), { what: 'all', timeoutMs: 15_000 });
    expect({ innocent: innocent.error, plain: plain.isHeld }).toEqual({
      innocent: undefined,
      plain: true,
    });
  });

  it('leaves no lease behind when the wait ends meanwhile', async () => {
    const locks = await lockService({ redis: primary.url, storeTimeout: 4_000 });
    const other = await lockService({ redis: primary.url });
    const w = await other.acquire('x');
    const reader = watch(locks.acquire('x', { mode: 'shared', minReplicas: 1, wait: 700 }));
    await queueOf(direct, 'x', 1);
    replica.pause();
    afterTest(() => replica.resume());
    await sleep(400);
    await w.release();
    await until(() => reader.settled, { what: 'reader ended' });
    await sleep(50);
    replica.resume();
    await sleep(1_500);
    expect(locks.held()).toEqual([]);
  });
});
