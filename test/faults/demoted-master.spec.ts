import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { Cluster, Redis } from 'ioredis';
import type { Lock, LockService } from 'nestjs-locker';
import { ManualClock } from 'nestjs-locker/testing';
import { leaseKey, lockKeys } from '../support/lease-end.js';
import {
  afterTest,
  ClockedRedisStore,
  lockService,
  type Watched,
  watch,
} from '../support/lock-service.js';
import { queueOf } from '../support/queue.js';
import { RedisCluster } from '../support/redis-cluster.js';
import { HOST, RedisServer } from '../support/redis-server.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { until } from '../support/until.js';

jest.setTimeout(90_000);

const AT_ONCE = ['--repl-diskless-sync-delay', '0'];
const PATIENT = { timeoutMs: 30_000, intervalMs: 20 };

async function untilReplication(client: Redis, what: string): Promise<void> {
  const is = async () => (await client.info('replication')).includes(what);
  await until(is, { what: `the replication tells ${what}`, ...PATIENT });
}

/** Where the one that waits for "x" is to be told. */
async function channelOf(client: Redis): Promise<string> {
  await queueOf(client, 'x', 1);
  const [registration] = await client.hvals(lockKeys('x').waiters);
  return registration!.split(' ')[6]!;
}

/** Lets the time of whoever waits go on until it has the lock. */
const given = (waiter: Watched<Lock>, clock: ManualClock) =>
  until(() => clock.advance(100).then(() => waiter.settled), { what: 'it is given', ...PATIENT });

describe('a master that has become a replica, and answers still,', () => {
  let master: RedisServer;
  let replica: RedisServer;
  let [old, promoted]: Redis[] = [];
  /** A name that leads to the master. */
  let proxy: TcpProxy;
  beforeEach(async () => {
    master = await RedisServer.start({ args: AT_ONCE });
    afterTest(() => master.stop());
    const following = ['--replicaof', HOST, String(master.port)];
    replica = await RedisServer.start({ args: [...AT_ONCE, ...following] });
    afterTest(() => replica.stop());
    proxy = await TcpProxy.start(master.port);
    afterTest(() => proxy.stop());
    [old, promoted] = [master.client(), replica.client()];
    await untilReplication(old, 'state=online');
  });

  async function failOver(): Promise<void> {
    await old!.call('FAILOVER');
    await untilReplication(promoted!, 'role:master');
    await untilReplication(promoted!, 'state=online');
    proxy.targetPort = replica.port;
  }

  it('gives no lock to whom it passes a message on that the new one does not count', async () => {
    const holder = await lockService({ redis: proxy.url, reports: false });
    await holder.acquire('x', { ttl: '1 minute' });
    // Its clock stands still: it listens where it did, and asks for nothing.
    const clock = new ManualClock();
    const store = new ClockedRedisStore(proxy.url, clock);
    const waiter = watch((await lockService({ store })).acquire('x', { wait: Infinity }));
    await queueOf(old!, 'x', 1);
    await failOver();
    const others = await lockService({ redis: replica.url, reports: false });
    await others.forceRelease('x');
    await given(waiter, clock);
    expect(await others.inspect('x')).toMatchObject({ fencingToken: waiter.value?.fencingToken });
    expect(await others.tryAcquire('x')).toBeNull();
  });

  it('is left by who listens there, and then told of hand-overs again', async () => {
    const holder = await lockService({ redis: proxy.url, reports: false });
    await holder.acquire('x', { ttl: '1 minute' });
    const locks = await lockService({ redis: proxy.url, reports: false });
    const waiter = watch(locks.acquire('x', { wait: Infinity }));
    const channel = await channelOf(old!);
    await failOver();
    const isThere = async () =>
      ((await promoted!.pubsub('CHANNELS', channel)) as string[]).length === 1;
    await until(isThere, { what: 'it listens at the new master', ...PATIENT });
    expect(await channelOf(promoted!)).toBe(channel);
    const others = await lockService({ redis: replica.url, reports: false });
    await others.forceRelease('x');
    await until(() => waiter.settled, { what: 'it is given' });
    expect(await others.inspect('x')).toMatchObject({ fencingToken: waiter.value?.fencingToken });
  });

  // Redis 6.2 says READONLY in the middle of what a script fails by.
  it('is left by who does nothing but renew', async () => {
    const locks = await lockService({ redis: proxy.url, reports: false });
    const lock = await locks.acquire('x', { ttl: '6s' });
    await failOver();
    const deadline = () => performance.now() + lock.remainingMs;
    const before = deadline();
    const isRenewed = () => deadline() > before + 50 || !lock.isHeld;
    await until(isRenewed, { what: 'it is renewed, or lost', ...PATIENT });
    expect(lock.isHeld).toBe(true);
    expect(await promoted!.exists(leaseKey('x'))).toBe(1);
    expect(await lock.release()).toBe('released');
  });
});

describe('a master of a Cluster that has become a replica', () => {
  let cluster: RedisCluster;
  let master: RedisServer;
  let replica: RedisServer;
  let [old, promoted]: Redis[] = [];
  let holder: LockService;
  /** Whoever waits hears nothing of the new master, as from a node that has not heard of it itself. */
  let isHidden: boolean;
  beforeEach(async () => {
    isHidden = false;
    cluster = await RedisCluster.start();
    afterTest(() => cluster.stop());
    const client = cluster.client();
    const slot = await client.cluster('KEYSLOT', leaseKey('x'));
    const rangeOf = async (asked: Redis | Cluster) =>
      (await asked.cluster('SLOTS')).find(([first, last]) => first <= slot && slot <= last)!;
    const [, , owner] = await rangeOf(client);
    master = cluster.servers.find(({ port }) => port === owner![1])!;

    const args = ['--cluster-enabled', 'yes', '--cluster-announce-ip', HOST, ...AT_ONCE];
    replica = await RedisServer.start({ args });
    afterTest(() => replica.stop());
    [old, promoted] = [master.client(), replica.client()];
    const id = await old.cluster('MYID');
    await promoted.cluster('MEET', HOST, master.port);
    await untilTaken(() => promoted!.cluster('REPLICATE', id), 'they know each other');
    await untilReplication(old, 'state=online');
    for (const server of cluster.servers) {
      const node = server.client();
      await until(async () => (await rangeOf(node)).length === 4, { what: 'all know', ...PATIENT });
    }
    holder = await lockService({ redis: cluster.client(), reports: false });
    await holder.acquire('x', { ttl: '1 minute' });
  });

  const untilTaken = (command: () => Promise<unknown>, what: string) => {
    const isTaken = () =>
      command().then(
        () => true,
        () => false,
      );
    return until(isTaken, { what, ...PATIENT });
  };
  const isHeardAt = async (node: Redis, channel: string) =>
    ((await node.call('PUBSUB', 'SHARDCHANNELS', channel)) as string[]).length === 1;

  /** Its listening connection stays where it is, or comes back there. */
  async function leaveBehind() {
    const natMap = (key: string) =>
      isHidden && key === `${HOST}:${replica.port}` ? { host: HOST, port: master.port } : null;
    // Its clock stands still: it asks for nothing.
    const clock = new ManualClock();
    const store = new ClockedRedisStore(cluster.client({ natMap }), clock);
    const waiter = watch((await lockService({ store })).acquire('x', { wait: Infinity }));
    const channel = await channelOf(old!);
    isHidden = true;
    await untilTaken(() => promoted!.cluster('FAILOVER'), 'the failover begins');
    await untilReplication(old!, 'role:slave');
    const id = await promoted!.cluster('MYID');
    const isFollowed = async () =>
      ((await promoted!.cluster('REPLICAS', id)) as string[]).length === 1;
    // Soon: who waits has its place for three seconds.
    await until(isFollowed, { what: 'the old one is known as its replica', ...PATIENT });
    await until(() => isHeardAt(old!, channel), { what: 'it listens at the old one', ...PATIENT });
    expect(await isHeardAt(promoted!, channel)).toBe(false);
    return { waiter, clock, channel };
  }

  it('gives no lock to whom it passes a message on that the new one does not count', async () => {
    const { waiter, clock } = await leaveBehind();
    await holder.forceRelease('x');
    isHidden = false;
    await given(waiter, clock);
    expect(await holder.inspect('x')).toMatchObject({ fencingToken: waiter.value?.fencingToken });
    expect(await holder.tryAcquire('x')).toBeNull();
  });

  it('is left by who listens there, and then told of hand-overs again', async () => {
    const { waiter, channel } = await leaveBehind();
    isHidden = false;
    const isThere = () => isHeardAt(promoted!, channel);
    await until(isThere, { what: 'it listens at the new master', ...PATIENT });
    await holder.forceRelease('x');
    await until(() => waiter.settled, { what: 'it is given' });
    expect(await holder.inspect('x')).toMatchObject({ fencingToken: waiter.value?.fencingToken });
  });
});
