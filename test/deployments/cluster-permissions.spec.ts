import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { Cluster, Redis } from 'ioredis';
import type { LockService } from 'nestjs-locker';
import { ManualClock } from 'nestjs-locker/testing';
import { documentedClusterRights } from '../support/documented-rights.js';
import { lockKeys } from '../support/lease-end.js';
import { ClockedRedisStore, lockService, watch } from '../support/lock-service.js';
import { RedisCluster } from '../support/redis-cluster.js';
import { until } from '../support/until.js';

jest.setTimeout(60_000);

// What ioredis itself says when it connects.
const GREETING = ['+hello', '+info', '+client'];
const GIVEN = ['on', '>pw', '~lock:*', '&lock:*', '-@all', ...GREETING];

let cluster: RedisCluster;
let nodes: Redis[];
let direct: Cluster;
beforeAll(async () => {
  cluster = await RedisCluster.start();
  nodes = cluster.servers.map((server) => server.client());
  direct = cluster.client();
});
afterAll(() => cluster.stop());

async function setRights(user: string, rights: readonly string[]): Promise<void> {
  for (const node of nodes) await node.call('ACL', 'SETUSER', user, ...GIVEN, ...rights);
}

const clientOf = (username: string): Cluster =>
  cluster.client({ redisOptions: { username, password: 'pw' } });

/** Between two nodes: the name's keys are at the second one, which the first one still sends to. */
async function beginMove(name: string): Promise<{ finish(): Promise<void> }> {
  const { lease, tokenCounter } = lockKeys(name);
  const slot = await nodes[0]!.cluster('KEYSLOT', lease);
  const ranges = await nodes[0]!.cluster('SLOTS');
  const range = ranges.find(([first, last]) => first <= slot && slot <= last)!;
  const from = cluster.servers.findIndex(({ port }) => port === range[2]![1]);
  const to = (from + 1) % nodes.length;
  const [source, target] = [nodes[from]!, nodes[to]!];
  const [fromId, toId] = await Promise.all([source.cluster('MYID'), target.cluster('MYID')]);
  await target.cluster('SETSLOT', slot, 'IMPORTING', fromId);
  await source.cluster('SETSLOT', slot, 'MIGRATING', toId);
  const { host, port } = cluster.servers[to]!;
  await source.migrate(host, port, '', 0, 5_000, 'KEYS', lease, tokenCounter);
  return {
    async finish() {
      for (const node of [target, source, ...nodes]) {
        await node.cluster('SETSLOT', slot, 'NODE', toId);
      }
    },
  };
}

describe('a user who may do on a Cluster what the documentation says, and nothing else', () => {
  let locks: LockService;
  let others: LockService;
  beforeAll(() => setRights('locker', documentedClusterRights()));
  beforeEach(async () => {
    locks = await lockService({ redis: clientOf('locker'), reports: 100 });
    others = await lockService({ redis: clientOf('locker'), reports: false });
  });

  it('locks, waits and is told', async () => {
    const held = await locks.acquire('a', { ttl: '10 minutes' });
    // Its clock stands still: nothing that it does is done because time has passed.
    const store = new ClockedRedisStore(clientOf('locker'), new ManualClock());
    const waiter = watch((await lockService({ store })).acquire('a', { wait: Infinity }));
    const isReached = async () =>
      (await direct.hvals(lockKeys('a').waiters)).some((entry) => entry.includes(':hand-over:'));
    await until(isReached, { what: 'it can be told', timeoutMs: 15_000 });
    expect(await held.release()).toBe('released');
    await until(() => waiter.settled, { what: 'the waiter has it' });
    const { fencingToken } = waiter.value!;
    expect(await locks.forceRelease('a')).toMatchObject({ fencingToken });
    await locks.semaphore('s', 2).withPermit(() => undefined);
  });

  it.each(['invoice:1', '{eu}:invoice:2'])('does %s once, and lists it', async (name) => {
    expect(await locks.once(name, () => 7, { job: 'invoice' })).toMatchObject({ result: 7 });
    expect(await others.once(name, () => 8)).toMatchObject({ status: 'replayed' });
    const names: string[] = [];
    for await (const record of others.outcomes.list('invoice')) names.push(record.name);
    expect(names).toEqual([name]);
    expect(await others.outcomes.clear('invoice', 'processed')).toBe(1);
  });

  it('tells what is held, and lists it', async () => {
    const lock = await locks.acquire('told');
    const held = async () => (await others.overview.held()).names.map(({ name }) => name);
    await until(async () => (await held()).includes('told'), { what: 'it is told' });
    expect(await lock.release()).toBe('released');
  });

  it('keeps its lock while that one’s slot moves', async () => {
    // What ioredis asks for on the way has no other handler: Jest would tell of a refusal.
    const lock = await locks.acquire('{moving}:invoice', { ttl: '2s' });
    const move = await beginMove(lock.name);
    const deadline = () => performance.now() + lock.remainingMs;
    for (let renewals = 0; renewals < 2; renewals++) {
      const before = deadline();
      const isRenewed = () => deadline() > before + 50 || !lock.isHeld;
      await until(isRenewed, { what: 'it is renewed on the way, or lost' });
    }
    expect(lock.isHeld).toBe(true);
    await lock.extend('10s');
    await move.finish();
    await lock.extend('20s');
    expect(await others.tryAcquire(lock.name)).toBeNull();
    expect(await lock.release()).toBe('released');
  });

  it('lacks nothing that checks look for', async () => {
    const { survey, findings } = await locks.check({ thorough: true, timeout: '10s' });
    expect(survey.servers.map(({ missing }) => missing)).toEqual([[], [], []]);
    expect(survey.handOvers).toEqual({ how: 'push', error: null });
    expect(findings.filter(({ severity }) => severity === 'fail')).toEqual([]);
  });
});

describe('a user who lacks a right that the client of a Cluster needs', () => {
  it('is told so by a check, before a slot moves', async () => {
    const rights = documentedClusterRights().filter((right) => right !== '+asking');
    await setRights('unasking', rights);
    const locks = await lockService({ redis: clientOf('unasking'), reports: false });
    const { status, findings, survey } = await locks.check({ thorough: true, timeout: '10s' });
    expect(survey.servers.map(({ missing }) => missing)).toEqual(nodes.map(() => ['+asking']));
    expect(status).toBe('fail');
    const named = findings.filter(({ code }) => code === 'permissions');
    expect(named.map(({ advice }) => advice)).toEqual(
      nodes.map(() => expect.stringContaining('+asking')),
    );
  });
});
