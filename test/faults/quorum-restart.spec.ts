import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { type LockEvent, LockService, LockStoreError } from 'nestjs-locker';
import {
  errorOf,
  eventsOf,
  type LockAppOptions,
  lockApp,
  lockService,
} from '../support/lock-service.js';
import { NodeLook, nodeKeys, reasonOf, untilAllVote, untilNodes } from '../support/quorum.js';
import { RedisNodes } from '../support/redis-nodes.js';
import { until } from '../support/until.js';

jest.setTimeout(60_000);

const NAME = 'invoice:42';
const { lease } = nodeKeys(NAME);
const MARKER = 'lock:quorum:node';

let nodes: RedisNodes;
let look: NodeLook;
let locks: LockService;
let events: LockEvent[];

afterEach(() => nodes.stop());

/** Nodes that vote, and a service that does not know them from their beginning. */
async function start(
  options: Partial<LockAppOptions> = {},
  servers: Parameters<typeof RedisNodes.start>[1] = {},
): Promise<void> {
  nodes = await RedisNodes.start(3, servers);
  look = new NodeLook(nodes.servers);
  const founding = { nodes: nodes.urls, firstDeployment: true, ttl: 1_000, ...options };
  const founder = await lockApp(founding);
  await untilAllVote(founder.get(LockService));
  await founder.close();
  locks = await service(options);
  events = eventsOf(locks);
}

async function service(options: Partial<LockAppOptions> = {}): Promise<LockService> {
  const made = await lockService({ nodes: nodes.urls, ttl: 1_000, ...options });
  await until(() => made.nodes().every(({ state }) => state !== 'unreachable'), {
    what: 'it has seen all of them',
  });
  return made;
}

const told = (node: number) =>
  events
    .filter((event) => event.type === 'node' && event.node.endsWith(`:${portOf(node)}`))
    .map((event) => (event.type === 'node' ? [event.state, event.reason].join(' ').trim() : ''));
const portOf = (node: number) => nodes.servers[node]!.port;
const voteTold = (node: number) =>
  until(() => told(node).at(-1) === 'voting', { what: 'it votes again', timeoutMs: 20_000 });

async function timeOf(node: number): Promise<number> {
  const [seconds, micros] = await look.clients[node]!.time();
  return Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000);
}

/** As a client sees it that looks past the library. */
async function isKeptFromVoting(node: number): Promise<boolean> {
  const marker = (await look.markers())[node];
  return marker?.state === 'quarantined' && marker.votesFromMs > (await timeOf(node));
}

describe('a node that was restarted without its data', () => {
  it('does not vote until every lease has ended, and says so', async () => {
    await start({ maxTtl: 3_000 });
    await nodes.restart(2);
    await untilNodes(locks, 'voting', 'voting', 'quarantined');
    const [, , marker] = await look.markers();
    expect(marker).toMatchObject({ state: 'quarantined', reason: 'emptied', maxTtlMs: 3_000 });
    expect(marker!.votesFromMs - marker!.sinceMs).toBeGreaterThanOrEqual(3_000);
    const [, , status] = locks.nodes();
    expect(status).toMatchObject({ state: 'quarantined', reason: 'emptied', error: null });
    expect(status!.node).toContain(`:${portOf(2)}`);
    expect(status!.votesInMs).toBeGreaterThan(0);
    expect(status!.votesInMs).toBeLessThanOrEqual(3_100);

    const lock = await locks.acquire(NAME, { ttl: 3_000 });
    expect(await isKeptFromVoting(2)).toBe(true);
    expect(await look.clients[2]!.exists(lease)).toBe(0);
    await lock.release();

    await voteTold(2);
    expect(told(2)).toEqual(['unreachable', 'quarantined emptied', 'voting']);
    const [, , after] = await look.markers();
    expect(after).toMatchObject({ state: 'voting', maxTtlMs: 3_000 });
    expect(after!.sinceMs).toBeGreaterThanOrEqual(marker!.votesFromMs);
    const next = await locks.acquire(NAME, { ttl: 3_000 });
    await until(async () => (await look.countLeases(NAME)) === 3, { what: 'all have it' });
    await next.release();
  });

  it('knows, before it votes, every token that the others know', async () => {
    await start({ maxTtl: 1_000 });
    // Far ahead of the clocks, so that time alone would not carry them on.
    const ahead = (Date.now() + 60_000) * 1_000;
    for (const node of [0, 1]) await look.clients[node]!.set(nodeKeys('other').counter, ahead);
    await nodes.restart(2);
    await untilNodes(locks, 'voting', 'voting', 'quarantined');
    await voteTold(2);
    expect((await look.lowestCounters())[2]).toBeGreaterThanOrEqual(ahead);
    await nodes.kill(0);
    const lock = await locks.acquire('other', { ttl: 1_000 });
    expect(lock.fencingToken).toBeGreaterThan(ahead);
    await lock.release();
  });

  it('does not vote for a service either that was not there to see it', async () => {
    await start({ maxTtl: 3_000 });
    await nodes.restart(2);
    await untilNodes(locks, 'voting', 'voting', 'quarantined');
    const [, , before] = await look.markers();
    const late = await service({ maxTtl: 3_000 });
    expect(late.nodes()[2]).toMatchObject({ state: 'quarantined', reason: 'emptied' });
    await late.withLock(NAME, () => 'done', { ttl: 3_000 });
    expect(await isKeptFromVoting(2)).toBe(true);
    // It does not begin anew with each that comes.
    expect((await look.markers())[2]).toEqual(before);
    expect(await look.clients[2]!.exists(nodeKeys(NAME).counter)).toBe(0);
  });

  it('does not vote for a service that comes when nobody is there that could tell', async () => {
    nodes = await RedisNodes.start(3);
    look = new NodeLook(nodes.servers);
    const founder = await lockApp({ nodes: nodes.urls, firstDeployment: true, maxTtl: '30s' });
    await untilAllVote(founder.get(LockService));
    await founder.close();
    await nodes.restart(2);
    const late = await service({ maxTtl: '30s' });
    await untilNodes(late, 'voting', 'voting', 'quarantined');
    await late.withLock(NAME, () => 'done');
    expect(await look.clients[2]!.exists(nodeKeys(NAME).counter)).toBe(0);
  });

  it('is kept from voting for the longest ttl that any of the services uses', async () => {
    await start({ maxTtl: 1_000 });
    const patient = await lockApp({ nodes: nodes.urls, ttl: 1_000, maxTtl: 4_000 });
    await until(async () => (await look.markers()).every((each) => each?.maxTtlMs === 4_000), {
      what: 'the nodes know of it',
    });
    await patient.close();
    await nodes.restart(2);
    await untilNodes(locks, 'voting', 'voting', 'quarantined');
    const [, , marker] = await look.markers();
    expect(marker!.votesFromMs - marker!.sinceMs).toBeGreaterThanOrEqual(4_000);
  });

  it('begins anew when it is restarted once more meanwhile', async () => {
    await start({ maxTtl: 2_000 });
    await nodes.restart(2);
    await untilNodes(locks, 'voting', 'voting', 'quarantined');
    const [, , first] = await look.markers();
    await nodes.restart(2);
    const isNew = async () => {
      const [, , marker] = await look.markers().catch(() => []);
      return marker?.state === 'quarantined' && marker.runId !== first!.runId;
    };
    await until(isNew, { what: 'it is kept from voting again' });
    const [, , second] = await look.markers();
    expect(second!.votesFromMs).toBeGreaterThan(first!.votesFromMs);
    await voteTold(2);
    expect((await look.markers())[2]!.sinceMs).toBeGreaterThanOrEqual(second!.votesFromMs);
  });

  it('leaves too few, with another that is down, and both are told', async () => {
    await start({ maxTtl: 20_000 });
    await nodes.restart(2);
    await untilNodes(locks, 'voting', 'voting', 'quarantined');
    await nodes.kill(1);
    await untilNodes(locks, 'voting', 'unreachable', 'quarantined');
    const error = (await errorOf(locks.acquire(NAME))) as Error;
    expect(error).toBeInstanceOf(LockStoreError);
    for (const node of [1, 2]) expect(reasonOf(error)).toContain(`:${portOf(node)}`);
    expect(reasonOf(error)).toMatch(/no memory of its votes/);
  });
});

describe('a node that loses its data while it is up', () => {
  const losses: [string, (node: number) => Promise<unknown>][] = [
    ['by FLUSHALL', (node) => look.clients[node]!.flushall()],
    ['by FLUSHALL, and its scripts too', (node) => flushAll(node)],
    ['its marker alone', (node) => look.clients[node]!.del(MARKER)],
  ];
  const flushAll = async (node: number) => {
    await look.clients[node]!.flushall();
    await look.clients[node]!.script('FLUSH');
  };
  it.each(losses)('casts no vote any more (%s)', async (_what, lose) => {
    await start({ maxTtl: 2_000 });
    const held = await locks.acquire('held', { ttl: 2_000 });
    await lose(2);
    const lock = await locks.acquire(NAME, { ttl: 2_000 });
    await untilNodes(locks, 'voting', 'voting', 'quarantined');
    expect(await look.clients[2]!.exists(lease)).toBe(0);
    await lock.release();
    expect(told(2)[0]).toBe('quarantined emptied');
    await voteTold(2);
    // The others had them all the time.
    expect(held.isHeld).toBe(true);
    expect(await held.release()).toBe('released');
  });

  it.each([0, 1, 2])(
    'is not taken for new by those that founded it together (node %d)',
    async (node) => {
      nodes = await RedisNodes.start(3);
      look = new NodeLook(nodes.servers);
      const founding = { nodes: nodes.urls, ttl: 2_000, firstDeployment: true } as const;
      const founders = await Promise.all([1, 2, 3].map(() => lockService(founding)));
      await Promise.all(founders.map(untilAllVote));
      await look.clients[node]!.flushall();
      await Promise.all(founders.map((each, i) => each.withLock(`${NAME}:${i}`, () => 'done')));
      for (const each of founders) {
        await until(() => each.nodes()[node]!.state === 'quarantined', { what: 'it is noticed' });
      }
      expect(await isKeptFromVoting(node)).toBe(true);
    },
  );

  it('is noticed on a majority, and then there is no lock', async () => {
    await start({ maxTtl: 20_000 });
    const held = await locks.acquire('held', { ttl: 2_000 });
    await Promise.all([look.clients[0]!.flushall(), look.clients[1]!.flushall()]);
    const error = (await errorOf(locks.acquire(NAME))) as Error;
    expect(error).toBeInstanceOf(LockStoreError);
    for (const node of [0, 1]) expect(reasonOf(error)).toContain(`:${portOf(node)}`);
    await untilNodes(locks, 'quarantined', 'quarantined', 'voting');
    // Nobody can confirm it any more, and nobody else can have it.
    await until(() => held.signal.aborted, { what: 'it is lost' });
  });
});

describe('all nodes without their data', () => {
  it('vote when every lease has ended and every token is past, and tokens go on', async () => {
    await start({ maxTtl: 1_000 });
    const before = await locks.acquire(NAME);
    await before.release();
    await Promise.all(look.clients.map((client) => client.flushall()));
    expect(await errorOf(locks.acquire(NAME))).toBeInstanceOf(LockStoreError);
    await untilNodes(locks, 'quarantined', 'quarantined', 'quarantined');
    const markers = await look.markers();
    await untilAllVote(locks);
    const after = await look.markers();
    after.forEach((marker, i) => expect(marker!.sinceMs).toBeGreaterThan(markers[i]!.votesFromMs));
    const next = await locks.acquire(NAME);
    expect(next.fencingToken).toBeGreaterThan(before.fencingToken);
    await next.release();
  });
});

describe('a node that keeps what it has acknowledged', () => {
  const durable = { args: ['--appendonly', 'yes', '--appendfsync', 'always'] };

  it('votes at once after a crash, and has its leases still', async () => {
    await start({ maxTtl: '1 hour', ttl: 10_000 }, durable);
    const held = await locks.acquire(NAME, { ttl: 10_000 });
    await until(async () => (await look.countLeases(NAME)) === 3, { what: 'all have it' });
    const [, , before] = await look.markers();
    expect(before).toMatchObject({ isDurable: true });
    await nodes.restart(2);
    await voteTold(2);
    expect(told(2)).toEqual(['unreachable', 'voting']);
    const [, , after] = await look.markers();
    expect(after).toMatchObject({ state: 'voting', isDurable: true });
    expect(after!.runId).not.toBe(before!.runId);
    expect(await look.countLeases(NAME)).toBe(3);
    expect(held.isHeld).toBe(true);
    await held.release();
  });

  it('does not vote if it was emptied all the same', async () => {
    await start({ maxTtl: '1 hour' }, durable);
    await look.clients[2]!.flushall();
    await locks.withLock(NAME, () => 'done');
    await untilNodes(locks, 'voting', 'voting', 'quarantined');
    await nodes.restart(2);
    await until(() => told(2).at(-1) === 'quarantined emptied' && told(2).length > 2, {
      what: 'it is back',
    });
    expect(await isKeptFromVoting(2)).toBe(true);
  });

  it.each([
    ['an AOF that is written every second', ['--appendonly', 'yes', '--appendfsync', 'everysec']],
    ['snapshots alone', []],
  ])('is no such node: %s', async (_what, args) => {
    await start({ maxTtl: 2_000 }, { args });
    await locks.withLock(NAME, () => 'done');
    await look.clients[2]!.save();
    const [, , before] = await look.markers();
    expect(before).toMatchObject({ isDurable: false });
    await nodes.restart(2);
    await untilNodes(locks, 'voting', 'voting', 'quarantined');
    const [, , marker] = await look.markers();
    // It has what it had then, and may have forgotten what came later.
    expect(marker).toMatchObject({ state: 'quarantined', reason: 'restarted' });
    expect(told(2)).toEqual(['unreachable', 'quarantined restarted']);
    await voteTold(2);
    expect((await look.markers())[2]!.sinceMs).toBeGreaterThanOrEqual(marker!.votesFromMs);
  });
});

describe('a lock that is held for long', () => {
  it('outlives restarts one after the other, and needs none of those that never forgot', async () => {
    await start({ maxTtl: 5_000, ttl: 5_000 });
    const other = await service({ maxTtl: 5_000, ttl: 5_000 });
    const held = await locks.acquire(NAME);
    for (const node of [0, 1]) {
      await nodes.restart(node);
      await until(() => locks.nodes()[node]!.state !== 'voting', { what: 'it is noticed' });
      await untilAllVote(locks);
      await until(async () => (await look.countLeases(NAME)) === 3, { what: 'it has the lease' });
      expect(held.isHeld).toBe(true);
      expect(await other.tryAcquire(NAME)).toBeNull();
    }
    await nodes.kill(2);
    await held.extend(5_000);
    expect(await other.tryAcquire(NAME)).toBeNull();
    const record = await other.inspect(NAME);
    expect(record).toMatchObject({ fencingToken: held.fencingToken, nodes: { have: 2 } });
    expect(await held.release()).toBe('released');
    const next = await other.acquire(NAME);
    expect(next.fencingToken).toBeGreaterThan(held.fencingToken);
    await next.release();
  });
});
