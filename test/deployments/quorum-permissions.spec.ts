import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { LockService } from 'nestjs-locker';
import { eventsOf, lockService, watch } from '../support/lock-service.js';
import { NodeLook } from '../support/quorum.js';
import { RedisNodes } from '../support/redis-nodes.js';
import { HOST } from '../support/redis-server.js';
import { until } from '../support/until.js';

const PAGE = new URL('../../docs/redlock.md', import.meta.url);

// What ioredis itself says when it connects.
const GREETING = ['+hello', '+client'];
const GIVEN = ['~lock:*', '&lock:*', '-@all', ...GREETING];
const TTL = '1s' as const;

/** The commands that the documentation says the module needs on each node. */
function documented(): string[] {
  const page = readFileSync(PAGE, 'utf8');
  const [section = ''] = page.split('## What servers must allow')[1]!.split('\n## ');
  const [needed = ''] = section.split('`CONFIG GET`');
  return [...needed.matchAll(/`([A-Z]{3,})`/g)].map(([, name]) => `+${name!.toLowerCase()}`);
}

const setRights = ({ servers }: RedisNodes, rights: readonly string[]) =>
  Promise.all(
    new NodeLook(servers).clients.map((client) =>
      client.call('ACL', 'SETUSER', 'locker', 'on', '>pw', ...GIVEN, ...rights),
    ),
  );

const asUser = ({ servers }: RedisNodes) =>
  servers.map(({ port }) => ({ host: HOST, port, username: 'locker', password: 'pw' }));

/** Whether the first node votes, for who asks it for a vote. */
async function isBack(locks: LockService): Promise<boolean> {
  await locks.withLock('a', () => undefined).catch(() => undefined);
  return locks.nodes()[0]!.state === 'voting';
}

describe('a user who may do on each node what the documentation says, and nothing else', () => {
  let nodes: RedisNodes;
  let locks: LockService;
  let others: LockService;

  beforeAll(async () => {
    nodes = await RedisNodes.start(3);
    await setRights(nodes, documented());
  });
  beforeEach(async () => {
    const options = { nodes: asUser(nodes), firstDeployment: true, ttl: TTL };
    locks = await lockService(options);
    others = await lockService(options);
  });
  afterAll(() => nodes.stop());

  it('has nodes that vote', () => {
    expect(locks.nodes().map(({ state }) => state)).toEqual(['voting', 'voting', 'voting']);
  });

  it('locks, waits, is told, and takes away', async () => {
    const held = await locks.acquire('a');
    const waiter = watch(others.acquire('a', { wait: '20s' }));
    await new NodeLook(nodes.servers).untilWaiting('a', 1);
    expect(await held.release()).toBe('released');
    await until(() => waiter.settled, { what: 'the waiter has it' });
    expect((await locks.inspect('a'))?.fencingToken).toBe(waiter.value!.fencingToken);
    await waiter.value!.extend(TTL);
    const moved = await locks.attach(waiter.value!.detach());
    expect(await locks.forceRelease('a')).toMatchObject({ fencingToken: moved.fencingToken });
  });

  it('has a node vote again that has forgotten', async () => {
    const [first] = new NodeLook(nodes.servers).clients;
    await first!.flushall();
    await until(async () => !(await isBack(locks)), { what: 'it is seen' });
    await until(() => isBack(locks), { what: 'it votes again', timeoutMs: 20_000 });
    expect(locks.nodes()[0]!.error).toBeNull();
  });

  it('does something once, lists it and forgets it', async () => {
    const terms = { retention: '1h', storeResult: true } as const;
    expect(await locks.once('invoice:1', () => 7, terms)).toMatchObject({ result: 7 });
    const replayed = { status: 'replayed', result: 7 };
    expect(await others.once('invoice:1', () => 8, terms)).toMatchObject(replayed);
    await locks.once('invoice:2', () => 7);
    expect(await others.outcomes.count('invoice')).toMatchObject({ processed: 2 });
    const names: string[] = [];
    for await (const { name } of others.outcomes.list('invoice')) names.push(name);
    expect(names.sort()).toEqual(['invoice:1', 'invoice:2']);
    expect(await others.outcomes.clear('invoice', 'processed')).toBe(2);
    const failing = locks.once('invoice:3', () => Promise.reject(new Error('no')));
    await expect(failing).rejects.toThrow('no');
    expect(await locks.outcomes.of('invoice:3')).toBeNull();
  });
});

describe('a user who lacks a right that a node needs to learn what it has forgotten', () => {
  let nodes: RedisNodes;
  beforeAll(async () => {
    nodes = await RedisNodes.start(3);
  });
  afterAll(() => nodes.stop());

  it('is told so, with the right', async () => {
    await setRights(
      nodes,
      documented().filter((right) => right !== '+sscan'),
    );
    const locks = await lockService({ nodes: asUser(nodes), firstDeployment: true, ttl: TTL });
    const events = eventsOf(locks);
    await new NodeLook(nodes.servers).clients[0]!.flushall();
    const told = () => locks.nodes()[0]!.error?.message ?? '';
    await until(async () => !(await isBack(locks)) && told() !== '', {
      what: 'it is told',
      timeoutMs: 20_000,
    });
    expect(locks.nodes()[0]).toMatchObject({ state: 'quarantined', reason: 'emptied' });
    expect(told()).toMatch(/NOPERM|can't run|permission/);
    expect(events).toContainEqual(
      expect.objectContaining({ type: 'node', state: 'quarantined', error: expect.any(Error) }),
    );
    await new Promise((resolve) => setTimeout(resolve, 1_000)); // it tries again and again
    const hindered = events.filter(
      (event) => event.type === 'node' && event.state === 'quarantined',
    );
    expect(hindered.map((event) => event.type === 'node' && event.error !== null)).toEqual([
      false,
      true,
    ]);
    await setRights(nodes, documented());
    await until(() => isBack(locks), { what: 'it votes again', timeoutMs: 20_000 });
  });
});
