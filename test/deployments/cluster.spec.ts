import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { Cluster, Redis } from 'ioredis';
import { type Lock, LockOptionsError, LockStoreError } from 'nestjs-locker';
import { ManualClock } from 'nestjs-locker/testing';
import { leaseKey, lockKeys } from '../support/lease-end.js';
import {
  afterTest,
  ClockedRedisStore,
  errorOf,
  lockApp,
  lockService,
  watch,
} from '../support/lock-service.js';
import { RedisCluster } from '../support/redis-cluster.js';
import { until } from '../support/until.js';

jest.setTimeout(60_000);

const NAMES = Array.from({ length: 300 }, (_, i) => `invoice:${i}`);
const PREFIX = 'lock';

let cluster: RedisCluster;
let client: Cluster;
let nodes: Redis[];

beforeAll(async () => {
  cluster = await RedisCluster.start();
  client = cluster.client();
  nodes = cluster.servers.map((server) => server.client());
  // A node that is down takes its own slots with it, and no others.
  await Promise.all(nodes.map((node) => node.config('SET', 'cluster-require-full-coverage', 'no')));
});
afterAll(() => cluster.stop());

const slotOf = (key: string): Promise<number> => nodes[0]!.cluster('KEYSLOT', key);

/** The keys of each node. */
const keysByNode = (pattern: string): Promise<string[][]> =>
  Promise.all(nodes.map((node) => node.keys(pattern)));

/** Which of the nodes serves a name. */
async function nodeOf(name: string): Promise<number> {
  const slot = await slotOf(leaseKey(name));
  const ranges = await nodes[0]!.cluster('SLOTS');
  const [, , master] = ranges.find(([first, last]) => first <= slot && slot <= last)!;
  return cluster.servers.findIndex(({ port }) => port === master![1]);
}

/** Some of the names that a node serves. */
async function namesOn(node: number, count: number): Promise<string[]> {
  const found: string[] = [];
  for (const name of NAMES) {
    if ((await nodeOf(name)) === node) found.push(name);
    if (found.length === count) return found;
  }
  throw new Error(`node ${node} has too few names`);
}

const deadlineOf = (lock: Lock): number => performance.now() + lock.remainingMs;

/** Resolves when each lock's deadline has moved on, by a renewal that the store confirmed. */
async function renewed(locks: readonly Lock[]): Promise<void> {
  const before = locks.map(deadlineOf);
  const areLater = () => locks.every((lock, i) => deadlineOf(lock) > before[i]! + 50);
  await until(areLater, { what: 'all are renewed', timeoutMs: 15_000 });
}

describe('locks on a Cluster', () => {
  it('of all nodes are taken, renewed, extended and given back', async () => {
    const locks = await lockService({ redis: client, ttl: '10s' });
    const other = await lockService({ redis: cluster.client() });
    const taken = await Promise.all(NAMES.map((name) => locks.acquire(name)));

    const leases = await keysByNode(`${PREFIX}:*:lease:*`);
    expect(Math.min(...leases.map((keys) => keys.length))).toBeGreaterThan(50);
    expect(leases.flat()).toHaveLength(NAMES.length);

    const seen = await Promise.all(NAMES.map((name) => other.inspect(name)));
    expect(seen.map((lease) => lease?.fencingToken)).toEqual(taken.map((l) => l.fencingToken));
    expect(await Promise.all(NAMES.map((name) => other.tryAcquire(name)))).toEqual(
      NAMES.map(() => null),
    );

    await renewed(taken);
    await renewed(taken);
    expect(taken.filter((lock) => !lock.isHeld)).toEqual([]);

    await Promise.all(taken.map((lock) => lock.extend('1 minute')));
    const extended = await Promise.all(NAMES.map((name) => other.inspect(name)));
    expect(Math.min(...extended.map((lease) => lease!.remainingMs))).toBeGreaterThan(20_000);

    const released = await Promise.all(taken.slice(100).map((lock) => lock.release()));
    expect(new Set(released)).toEqual(new Set(['released']));
    const forced = taken.slice(0, 100);
    for (const { name, fencingToken } of forced) {
      expect(await other.forceRelease(name)).toMatchObject({ fencingToken });
    }
    const losses = await Promise.all(forced.map((lock) => errorOf(lock.extend('1s'))));
    expect(new Set(losses.map((loss) => (loss as { reason?: string }).reason))).toEqual(
      new Set(['forced']),
    );
    const left = await Promise.all(NAMES.map((name) => other.inspect(name)));
    expect(left.filter((lease) => lease !== null)).toEqual([]);
    // Notes for the former holders, nothing else.
    const notes = new Set(forced.map(({ name }) => leaseKey(name)));
    const keys = (await keysByNode(`${PREFIX}:*:lease:*`)).flat();
    expect(keys.filter((key) => !notes.has(key))).toEqual([]);
  });

  it.each([
    ['{tenant-1}:invoice', 'tenant-1'],
    ['invoice:{tenant-1}', 'tenant-1'],
    ['{tenant-1}{tenant-2}', 'tenant-1'],
    ['{{nested}}', '{nested'],
    ['{ü 🔒}', 'ü 🔒'],
    ['{a:b"\n}', 'a:b"\n'],
  ])('of %j share the slot of the tag in it', async (name, tag) => {
    const locks = await lockService({ redis: client });
    const lock = await locks.acquire(name);
    const { lease, queue, waiters, tokenCounter } = lockKeys(name);
    expect(await client.exists(lease)).toBe(1);
    const slots = await Promise.all([tag, lease, queue, waiters, tokenCounter].map(slotOf));
    expect(new Set(slots).size).toBe(1);
    await lock.extend('5s');
    expect(await locks.tryAcquire(name)).toBeNull();
    expect(await locks.forceRelease(name)).toMatchObject({ fencingToken: lock.fencingToken });
    expect(await locks.inspect(name)).toBeNull();
  });

  it.each(['{}', '{}{a}', '}{', 'a{', '}a{b', 'plain'])(
    'of %j, which has no tag, have one slot all the same',
    async (name) => {
      const locks = await lockService({ redis: client });
      const lock = await locks.acquire(name);
      const { lease, queue, waiters, tokenCounter } = lockKeys(name);
      expect(await client.exists(lease)).toBe(1);
      const slots = await Promise.all([lease, queue, waiters, tokenCounter].map(slotOf));
      expect(new Set(slots).size).toBe(1);
      await lock.extend('5s');
      expect(await lock.release()).toBe('released');
    },
  );

  it('grow their tokens over all names of a tag, whose counter does not stay for ever', async () => {
    const locks = await lockService({ redis: client });
    const tokens: number[] = [];
    for (const name of ['{order-7}:a', '{order-7}:b', 'x{order-7}', '{order-7}:a']) {
      const lock = await locks.acquire(name);
      tokens.push(lock.fencingToken);
      await lock.release();
    }
    expect(new Set(tokens).size).toBe(tokens.length);
    expect(tokens).toEqual(tokens.toSorted((a, b) => a - b));
    const { tokenCounter } = lockKeys('{order-7}:a');
    expect(await client.get(tokenCounter)).toBe(String(tokens.at(-1)));
    expect(await client.ttl(tokenCounter)).toBeGreaterThan(0);
  });

  it('are handed over by a message of the node that has them', async () => {
    const holder = await lockService({ redis: client });
    for (const node of [0, 1, 2]) {
      const [name] = (await namesOn(node, 1)) as [string];
      const held = await holder.acquire(name, { ttl: '10 minutes' });
      // Its clock stands still: nothing that it does is done because time has passed.
      const store = new ClockedRedisStore(cluster.client(), new ManualClock());
      const waiter = watch((await lockService({ store })).acquire(name, { wait: Infinity }));
      const { waiters } = lockKeys(name);
      const isReached = async () =>
        (await client.hvals(waiters)).some((entry) => entry.includes(':hand-over:'));
      await until(isReached, { what: 'it can be told' });
      expect(await held.release()).toBe('released');
      await until(() => waiter.settled, { what: 'it is given' });
      expect(waiter.value!.fencingToken).toBeGreaterThan(held.fencingToken);
      expect(await waiter.value!.release()).toBe('released');
    }
    const keys = (await keysByNode(`${PREFIX}:*`)).flat();
    expect(keys.filter((key) => /:(queue|waiters):/.test(key))).toEqual([]);
  });

  it('follow their slot to another node while they are held', async () => {
    const locks = await lockService({ redis: client });
    const lock = await locks.acquire('{moving}:invoice', { ttl: '1 minute' });
    const slot = await slotOf(leaseKey(lock.name));
    const from = await nodeOf(lock.name);
    const to = (from + 1) % nodes.length;
    const [fromId, toId] = await Promise.all([
      nodes[from]!.cluster('MYID'),
      nodes[to]!.cluster('MYID'),
    ]);
    await nodes[to]!.cluster('SETSLOT', slot, 'IMPORTING', fromId);
    await nodes[from]!.cluster('SETSLOT', slot, 'MIGRATING', toId);
    // Asked for at the old node, found at the new one, which does not know the scripts yet.
    await nodes[to]!.script('FLUSH');
    const { lease, tokenCounter } = lockKeys(lock.name);
    const { host, port } = cluster.servers[to]!;
    await nodes[from]!.migrate(host, port, '', 0, 5_000, 'KEYS', lease, tokenCounter);
    // Renewals touch the lease alone and go on; other steps need all keys of the name in one place.
    await lock.extend('2 minutes');
    expect(await errorOf(locks.tryAcquire(lock.name))).toBeInstanceOf(LockStoreError);
    expect(lock.isHeld).toBe(true);
    for (const node of [nodes[to]!, nodes[from]!]) {
      await node.cluster('SETSLOT', slot, 'NODE', toId);
    }
    await lock.extend('3 minutes');
    expect(await locks.tryAcquire(lock.name)).toBeNull();
    expect((await locks.inspect(lock.name))!.remainingMs).toBeGreaterThan(120_000);
    expect(await nodes[to]!.exists(lease)).toBe(1);
    expect(await lock.release()).toBe('released');
    const next = await locks.acquire(lock.name);
    expect(next.fencingToken).toBeGreaterThan(lock.fencingToken);
    await next.release();
  });

  it('leave the Cluster client open when the application closes', async () => {
    const own = cluster.client();
    const app = await lockApp({ redis: own });
    await app.close();
    expect(own.status).toBe('ready');
    expect(await own.ping()).toBe('PONG');
  });
  it('are refused at start through a client of one node', async () => {
    const error = await errorOf(lockApp({ redis: cluster.servers[0]!.url }));
    expect(error).toBeInstanceOf(LockOptionsError);
    expect(String(error)).toMatch(/one node of a Redis Cluster.*new Cluster\(nodes\)/);
  });
});

describe('a node of a Cluster that fails', () => {
  it('by hanging costs no locks but its own', async () => {
    const locks = await lockService({ redis: client, storeTimeout: 500, ttl: '3s' });
    const [inReach, outOfReach] = [await namesOn(0, 20), await namesOn(1, 20)];
    const kept = await Promise.all(inReach.map((name) => locks.acquire(name)));
    const cutOff = await Promise.all(outOfReach.map((name) => locks.acquire(name)));
    cluster.servers[1]!.pause();
    afterTest(() => cluster.servers[1]!.resume());
    await expect(locks.inspect(outOfReach[0]!)).rejects.toThrow(LockStoreError);
    await until(() => cutOff.every((lock) => lock.signal.aborted), {
      what: 'its own are lost',
      timeoutMs: 15_000,
    });
    await renewed(kept);
    expect(kept.filter((lock) => !lock.isHeld)).toEqual([]);
    expect(new Set(cutOff.map((lock) => lock.signal.reason.reason))).toEqual(new Set(['deadline']));
    await Promise.all(kept.map((lock) => lock.release()));

    cluster.servers[1]!.resume();
    const again = await Promise.all(outOfReach.map((name) => insist(name)));
    again.forEach((lock, i) => {
      expect(lock.fencingToken).toBeGreaterThan(cutOff[i]!.fencingToken);
    });
    await Promise.all(again.map((lock) => lock.release()));

    async function insist(name: string): Promise<Lock> {
      let lock: Lock | null = null;
      const isGiven = async () => (lock = await locks.tryAcquire(name).catch(() => null)) !== null;
      await until(isGiven, { what: `"${name}" is given again`, timeoutMs: 20_000, intervalMs: 20 });
      return lock!;
    }
  });

  it('by coming back empty makes no token go back, and its holders know', async () => {
    const locks = await lockService({ redis: client, storeTimeout: 1_000, ttl: '15s' });
    const names = await namesOn(2, 5);
    const held = await Promise.all(names.map((name) => locks.acquire(name)));
    await cluster.servers[2]!.restart();
    await until(() => held.every((lock) => lock.signal.aborted), {
      what: 'the next renewal tells',
      timeoutMs: 20_000,
    });
    expect(new Set(held.map((lock) => lock.signal.reason.reason))).toEqual(new Set(['expired']));
    for (const { name, fencingToken } of held) {
      const lock = await locks.acquire(name);
      expect(lock.fencingToken).toBeGreaterThan(fencingToken);
      expect(await lock.release()).toBe('released');
    }
  });
});
