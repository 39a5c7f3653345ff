import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { Cluster, Redis } from 'ioredis';
import { type Lock, type LockService, LockStoreError } from 'nestjs-locker';
import { leaseKey } from '../support/lease-end.js';
import { errorOf, lockService } from '../support/lock-service.js';
import { RedisCluster } from '../support/redis-cluster.js';
import { HOST, RedisServer } from '../support/redis-server.js';
import { SentinelGroup } from '../support/sentinel-group.js';
import { until } from '../support/until.js';

jest.setTimeout(90_000);

/** Resolves when so many replicas have all that their master has written. */
async function followed(master: Redis, count: number, key: string): Promise<void> {
  const follow = async () => {
    await master.set(key, '');
    return (await master.wait(count, 500)) >= count;
  };
  await until(follow, { what: `${count} replicas follow`, timeoutMs: 20_000 });
}

/** What was refused leaves nothing: the name is free, at once or as soon as that is cleaned up. */
async function isFree(locks: LockService, name: string): Promise<void> {
  await until(async () => (await locks.inspect(name)) === null, { what: `"${name}" is free` });
  expect(locks.held()).toEqual([]);
}

/** Asks again and again until it is given: roles need a while to settle. */
async function insist(locks: LockService, name: string, minReplicas: number): Promise<Lock> {
  let lock: Lock | null = null;
  const refusals = new Set<string>();
  const isGiven = async () => {
    lock = await locks.tryAcquire(name, { minReplicas }).catch((error: Error) => {
      refusals.add(`${error.message} (${String(error.cause)})`);
      return null;
    });
    return lock !== null;
  };
  await until(isGiven, { what: 'it is given', timeoutMs: 15_000, intervalMs: 50 }).catch(
    (error: Error) => {
      throw new Error(`${error.message}: ${[...refusals].join('\n')}`);
    },
  );
  return lock!;
}

describe('minReplicas on a Sentinel group', () => {
  let group: SentinelGroup;
  let locks: LockService;
  beforeAll(async () => {
    group = await SentinelGroup.start();
    // Under load they would see deaths where there are none.
    for (const sentinel of group.sentinelServers) {
      const client = sentinel.client();
      await client.call('SENTINEL', 'SET', group.name, 'down-after-milliseconds', 60_000);
    }
    await followed((await group.master()).client(), 2, 'follows');
  });
  afterAll(() => group.stop());
  const service = () =>
    lockService({ redis: { sentinels: group.sentinels, name: group.name } }).then(
      (made) => (locks = made),
    );

  it('counts the replicas that have the lease', async () => {
    await service();
    const lock = await locks.acquire('a', { minReplicas: 2 });
    expect(lock.replicas).toBe(2);
    for (const replica of await group.replicas()) {
      expect(await replica.client().exists(leaseKey('a'))).toBe(1);
    }
    expect(await lock.release()).toBe('released');
  });

  it('gives no lock and leaves none behind where more are asked for than there are', async () => {
    await service();
    const error = await errorOf(locks.acquire('a', { minReplicas: 3 }));
    expect(error).toBeInstanceOf(LockStoreError);
    expect((error as Error).message).toContain('2 of 3 replicas');
    await isFree(locks, 'a');
    expect(await (await locks.acquire('a', { wait: 0, minReplicas: 2 })).release()).toBe(
      'released',
    );
  });

  it('counts those of the new master after a failover', async () => {
    await service();
    const kept = await locks.acquire('kept', { minReplicas: 2, ttl: '1 minute' });
    const old = await group.master();
    await group.failover();
    const promoted = await group.master();
    expect(promoted).not.toBe(old);
    expect(await promoted.client().exists(leaseKey('kept'))).toBe(1);
    const lock = await insist(locks, 'a', 2);
    expect(lock.replicas).toBe(2);
    expect(kept.isHeld).toBe(true);
  });
});

describe('minReplicas on a Cluster', () => {
  let cluster: RedisCluster;
  let client: Cluster;
  /** Of the first two masters; the third has none. */
  const replicas: RedisServer[] = [];
  beforeAll(async () => {
    cluster = await RedisCluster.start();
    client = cluster.client();
    for (const master of cluster.servers.slice(0, 2)) replicas.push(await replicaOf(master));
  });
  afterAll(async () => {
    await Promise.all(replicas.map((replica) => replica.stop()));
    await cluster.stop();
  });

  async function replicaOf(master: RedisServer): Promise<RedisServer> {
    const args = ['--cluster-enabled', 'yes', '--cluster-announce-ip', HOST];
    args.push('--cluster-node-timeout', '2000', '--repl-diskless-sync-delay', '0');
    const replica = await RedisServer.start({ args });
    const node = replica.client();
    const direct = master.client();
    await node.call('CLUSTER', 'MEET', HOST, master.port);
    const id = String(await direct.call('CLUSTER', 'MYID'));
    const isKnown = () =>
      node.call('CLUSTER', 'REPLICATE', id).then(
        () => true,
        () => false,
      );
    await until(isKnown, { what: 'it knows its master', timeoutMs: 20_000 });
    const isReplica = async () =>
      (await direct.info('replication')).includes(`port=${replica.port},state=online`);
    await until(isReplica, { what: 'it is a replica', timeoutMs: 20_000 });
    return replica;
  }

  /** A name that a master serves. */
  async function nameOn(index: number, what: string): Promise<string> {
    const ranges = await client.cluster('SLOTS');
    const { port } = cluster.servers[index]!;
    for (let i = 0; i < 200; i++) {
      const name = `${what}:${i}`;
      const slot = await client.cluster('KEYSLOT', leaseKey(name));
      const [, , master] = ranges.find(([first, last]) => first <= slot && slot <= last)!;
      if (master![1] === port) return name;
    }
    throw new Error(`no name is served by node ${index}`);
  }

  it('counts the replicas of the node that has the lease', async () => {
    const locks = await lockService({ redis: client });
    for (const index of [0, 1]) {
      const name = await nameOn(index, 'counted');
      const lock = await insist(locks, name, 1);
      expect(lock.replicas).toBe(1);
      const copy = replicas[index]!.client();
      await copy.readonly();
      expect(await copy.exists(leaseKey(name))).toBe(1);
      expect(await lock.release()).toBe('released');
    }
  });

  it.each([
    [0, 2, '1 of 2 replicas'],
    [2, 1, '0 of 1 replicas'],
  ])(
    'gives no lock and leaves none behind where node %d is asked for %d',
    async (index, minReplicas, message) => {
      const locks = await lockService({ redis: client });
      const name = await nameOn(index, 'refused');
      const error = await errorOf(locks.acquire(name, { minReplicas }));
      expect(error).toBeInstanceOf(LockStoreError);
      expect((error as Error).message).toContain(message);
      await isFree(locks, name);
      expect(await (await locks.acquire(name, { wait: 0 })).release()).toBe('released');
    },
  );

  it('leaves nothing behind of several names of which one has too few', async () => {
    const locks = await lockService({ redis: client });
    const names = [await nameOn(0, 'several'), await nameOn(2, 'several')];
    expect(await errorOf(locks.acquire(names, { minReplicas: 1 }))).toBeInstanceOf(LockStoreError);
    for (const name of names) await isFree(locks, name);
  });

  it('is served through a client that queues nothing while it connects', async () => {
    const own = cluster.client({ enableOfflineQueue: false });
    await until(() => own.status === 'ready', { what: 'it is connected' });
    const locks = await lockService({ redis: own });
    const lock = await locks.acquire(await nameOn(0, 'strict'), { minReplicas: 1 });
    expect(lock.replicas).toBe(1);
  });

  it('counts those of the new master after a failover', async () => {
    const locks = await lockService({ redis: client });
    const name = await nameOn(0, 'kept');
    const before = await locks.acquire(name, { minReplicas: 1 });
    await before.release();
    const promoted = replicas[0]!.client();
    await promoted.call('CLUSTER', 'FAILOVER');
    await until(async () => (await promoted.info('replication')).includes('role:master'), {
      what: 'it is promoted',
      timeoutMs: 15_000,
    });
    await followed(promoted, 1, leaseKey(name) + ':follows');
    const lock = await insist(locks, name, 1);
    expect(lock.replicas).toBe(1);
    expect(lock.fencingToken).toBeGreaterThan(before.fencingToken);
  });
});
