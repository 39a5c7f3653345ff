import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { LockService, LockStoreError, OutcomeUnknownError } from 'nestjs-locker';
import { Deferred, errorOf, eventsOf, lockApp, lockService } from '../support/lock-service.js';
import type { NodeLinks } from '../support/node-links.js';
import { NodeLook, nodeKeys, untilAllVote, untilNodes } from '../support/quorum.js';
import { RedisNodes } from '../support/redis-nodes.js';
import { until } from '../support/until.js';

jest.setTimeout(60_000);

const NAME = 'invoice:42';
const HOLD = { onUnknown: 'hold', ttl: 1_000 } as const;
const STORED = { ...HOLD, storeResult: true } as const;
const { outcome: record } = nodeKeys(NAME);

let nodes: RedisNodes;
/** Of `locks` alone. */
let links: NodeLinks;
let look: NodeLook;
let locks: LockService;
let others: LockService;
beforeEach(async () => {
  nodes = await RedisNodes.start(3);
  look = new NodeLook(nodes.servers);
  const founder = await lockApp({ nodes: nodes.urls, firstDeployment: true, ttl: 1_000 });
  await untilAllVote(founder.get(LockService));
  await founder.close();
  const options = { nodes: nodes.urls, ttl: 1_000, maxTtl: 1_000 };
  links = await nodes.links();
  [locks, others] = [
    await lockService({ ...options, nodes: links.urls }),
    await lockService(options),
  ];
  for (const service of [locks, others]) await untilAllVote(service);
});
afterEach(() => nodes.stop());

const without = (node: number) =>
  [0, 1, 2].map((each) => (each === node ? 'quarantined' : 'voting'));
const fails = () => Promise.reject(new Error('it failed'));
const done = (result: string) => () => Promise.resolve(result);
const textsOf = (key: string) => Promise.all(look.clients.map((client) => client.get(key)));
const allVote = async () => {
  for (const service of [locks, others]) await untilAllVote(service);
};

/** Begins what is to fail; a majority knows of it, and this node is to be among them. */
async function beginKnownTo(node: number): Promise<[Promise<unknown>, Deferred<never>]> {
  for (;;) {
    const failing = new Deferred<never>();
    const isBegun = new Deferred<void>();
    const work = () => {
      isBegun.resolve();
      return failing.promise;
    };
    const first = errorOf(locks.once(NAME, work, HOLD));
    await isBegun.promise;
    const texts = await textsOf(record);
    if (texts[node]?.includes('begun')) return [first, failing];
    failing.reject(new Error('it failed'));
    await first;
  }
}

describe('what is done once over several nodes', () => {
  it('is known to all of them, and leaves nothing behind where it failed', async () => {
    expect(await locks.once(NAME, done('a'), STORED)).toEqual({ status: 'executed', result: 'a' });
    const again = await others.once(NAME, done('b'), STORED);
    expect(again).toEqual({ status: 'replayed', result: 'a' });
    await until(async () => new Set(await textsOf(record)).size === 1, { what: 'all have it' });
    expect((await textsOf(record))[0]).toContain('processed');
    expect(await others.outcomes.clear('invoice', 'processed')).toBe(1);
    await expect(locks.once(NAME, fails, HOLD)).rejects.toThrow('it failed');
    await look.untilNothingRemains();
  });

  it('is not done again while the servers are emptied one after the other', async () => {
    await locks.once(NAME, done('a'), STORED);
    for (const node of [0, 1, 2]) {
      await nodes.restart(node);
      await untilNodes(others, ...without(node));
      const meanwhile = await others.once(NAME, done('b'), STORED);
      expect(meanwhile).toEqual({ status: 'replayed', result: 'a' });
      await allVote();
      expect((await textsOf(record))[node]).toContain('processed');
    }
    expect(await others.outcomes.count('invoice')).toEqual({
      processed: 1,
      running: 0,
      unknown: 0,
    });
  });

  it('is not done again by those that only meet one server that knew', async () => {
    links.cutOff(2);
    await locks.once(NAME, done('a'), STORED);
    nodes.pause(0);
    expect(await others.once(NAME, done('b'), STORED)).toMatchObject({ status: 'replayed' });
    nodes.resume(0);
  });

  it('is open again after a failure, also for those that ask a server that has missed it', async () => {
    const [first, failing] = await beginKnownTo(2);
    links.cutOff(2);
    failing.reject(new Error('it failed'));
    expect(await first).toMatchObject({ message: 'it failed' });
    nodes.pause(0);
    expect(await others.once(NAME, done('b'), HOLD)).toMatchObject({ status: 'executed' });
    nodes.resume(0);
  });

  it('is forgotten everywhere when a server that has missed the failure comes to know of it', async () => {
    const [first, failing] = await beginKnownTo(2);
    links.cutOff(2);
    failing.reject(new Error('it failed'));
    await first;
    expect(await look.clients[0]!.exists(record)).toBe(1);
    links.heal(2);
    await look.untilNothingRemains();
  });

  it('is marked when a majority can be told, if it could not be at once', async () => {
    const events = eventsOf(locks);
    const work = new Deferred<string>();
    const first = locks.once(NAME, () => work.promise, STORED);
    await until(async () => (await others.outcomes.of(NAME))?.state === 'running', {
      what: 'it has begun',
    });
    nodes.pause(0, 1);
    work.resolve('a');
    await first.catch(() => undefined); // it is done, whether or not its lock was lost meanwhile
    expect(events.some(({ type }) => type === 'processed')).toBe(false);
    nodes.resume(0, 1);
    await until(() => events.some(({ type }) => type === 'processed'), {
      what: 'it is marked',
      timeoutMs: 15_000,
    });
    expect(await others.once(NAME, done('b'), STORED)).toMatchObject({ result: 'a' });
  });

  it('cannot be begun, nor asked for, while too few servers vote', async () => {
    nodes.pause(0, 1);
    const work = jest.fn(done('a'));
    expect(await errorOf(locks.once(NAME, work, HOLD))).toBeInstanceOf(LockStoreError);
    expect(await errorOf(locks.outcomes.of(NAME))).toBeInstanceOf(LockStoreError);
    expect(work).not.toHaveBeenCalled();
    nodes.resume(0, 1);
    await allVote();
    // What a server was asked late has been taken back.
    await until(async () => (await others.outcomes.of(NAME)) === null, { what: 'it is open' });
    await look.untilNothingRemains();
  });

  it('is held back where its outcome is unknown, until that is decided', async () => {
    const work = new Deferred<string>();
    const first = errorOf(locks.once(NAME, () => work.promise, HOLD));
    await until(async () => (await others.outcomes.of(NAME))?.state === 'running', {
      what: 'it has begun',
    });
    await others.forceRelease(NAME);
    expect(await errorOf(others.once(NAME, done('b'), HOLD))).toBeInstanceOf(OutcomeUnknownError);
    expect(await others.outcomes.resolve(NAME, 'retry')).toBe(true);
    expect(await others.once(NAME, done('b'), STORED)).toMatchObject({ status: 'executed' });
    work.resolve('late');
    await first;
    await until(async () => (await others.outcomes.of(NAME))?.attempts.length === 2, {
      what: 'the late one is recorded',
    });
    expect(await others.outcomes.of(NAME)).toMatchObject({
      state: 'processed',
      attempts: [{ outcome: 'late' }, { outcome: 'processed' }],
      result: '"b"',
    });
  });

  it('is listed by a majority, with each name once', async () => {
    const names = Array.from({ length: 30 }, (_, i) => `invoice:${i}`);
    nodes.pause(2);
    await Promise.all(names.map((name) => locks.once(name, done('a'), HOLD)));
    nodes.resume(2);
    nodes.pause(0);
    await until(() => others.nodes()[2]!.state === 'voting', { what: 'it answers again' });
    const found: string[] = [];
    for await (const { name } of others.outcomes.list('invoice')) found.push(name);
    expect(found.toSorted()).toEqual(names.toSorted());
    expect(await others.outcomes.count('invoice')).toMatchObject({ processed: 30 });
    nodes.resume(0);
  });
});
