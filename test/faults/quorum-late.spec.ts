import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { LockAbortedError, type LockService, LockStoreError } from 'nestjs-locker';
import { passed } from '../support/lease-end.js';
import { errorOf, eventsOf, lockService, watch } from '../support/lock-service.js';
import type { NodeLinks } from '../support/node-links.js';
import { NodeLook, nodeKeys, untilAllVote, untilNodes, warmUp } from '../support/quorum.js';
import { RedisNodes } from '../support/redis-nodes.js';
import { until } from '../support/until.js';

jest.setTimeout(60_000);

const NAME = 'invoice:42';
const LONG = { ttl: '10 minutes' } as const;
const { lease, counter } = nodeKeys(NAME);

let nodes: RedisNodes;
let links: NodeLinks;
let look: NodeLook;
let locks: LockService;
let others: LockService;

beforeEach(async () => {
  nodes = await RedisNodes.start(3);
  links = await nodes.links();
  look = new NodeLook(nodes.servers);
  const options = { maxTtl: LONG.ttl, firstDeployment: true };
  locks = await lockService({ nodes: links.urls, ...options });
  others = await lockService({ nodes: nodes.urls, ...options });
  await Promise.all([locks, others].map(untilAllVote));
  await warmUp(locks, look);
});
afterEach(async () => {
  await look.untilNothingRemains();
  await nodes.stop();
});

const untilLeases = (count: number) =>
  until(async () => (await look.countLeases(NAME)) === count, {
    what: `${count} nodes have a lease`,
    timeoutMs: 15_000,
  });
const hasLease = async (node: number) => (await look.clients[node]!.exists(lease)) === 1;

/** Resolves once a node votes over another connection than before. */
async function votesAgain(cut: () => void): Promise<void> {
  const events = eventsOf(locks);
  cut();
  const isBack = () => events.some((event) => event.type === 'node' && event.state === 'voting');
  await until(isBack, { what: 'it votes again', timeoutMs: 15_000 });
}

describe('a grant that comes after its attempt has failed', () => {
  it.each([0, 1_000])('is given back by nodes that were stopped (for %d ms more)', async (ms) => {
    nodes.pause(1, 2);
    expect(await errorOf(locks.acquire(NAME, LONG))).toBeInstanceOf(LockStoreError);
    await passed(performance.now() + ms);
    nodes.resume(1, 2);
    // The question has come through, and was granted.
    for (const node of [1, 2]) {
      await until(async () => (await look.clients[node]!.exists(counter)) === 1, {
        what: 'it was granted',
      });
    }
    await untilLeases(0);
    const lock = await others.tryAcquire(NAME);
    expect(lock?.isHeld).toBe(true);
    await lock!.release();
  });

  it('is given back where the answer was lost, and the connection with it', async () => {
    for (const which of [
      [0, 1],
      [0, 1, 2],
    ]) {
      for (const node of which) links.proxies[node]!.dropReplies = true;
      const ended = locks.acquire(NAME, LONG).then(
        (lock) => lock.release(),
        (error: Error) => error.name,
      );
      await until(async () => (await look.countLeases(NAME)) >= 2, { what: 'it is granted' });
      for (const node of which) {
        links.proxies[node]!.cut();
        links.proxies[node]!.dropReplies = false;
      }
      // It may have been asked once more over new connections, as another owner.
      expect(['released', 'LockStoreError']).toContain(await ended);
      await untilLeases(0);
      await untilAllVote(locks);
    }
  });

  it('is given back where only the answer was late', async () => {
    for (const node of [0, 1]) links.proxies[node]!.delayMs = { replies: 800 };
    expect(await errorOf(locks.acquire(NAME, LONG))).toBeInstanceOf(LockStoreError);
    for (const node of [0, 1]) links.proxies[node]!.delayMs = 0;
    await untilLeases(0);
  });

  it('is given back where its caller has gone', async () => {
    for (const node of [0, 1]) links.proxies[node]!.delayMs = { requests: 200 };
    const caller = new AbortController();
    const taken = watch(locks.acquire(NAME, { ...LONG, signal: caller.signal }));
    caller.abort();
    await until(() => taken.settled, { what: 'it has ended' });
    expect(taken.error).toBeInstanceOf(LockAbortedError);
    await until(async () => (await look.clients[0]!.exists(counter)) === 1, {
      what: 'it was granted',
    });
    for (const node of [0, 1]) links.proxies[node]!.delayMs = 0;
    await untilLeases(0);
  });
});

describe('votes that come later than the lease would last', () => {
  it('make no lock', async () => {
    // Longer than the lease lasts, and shorter than a node is waited for.
    const timeouts = { nodeTimeout: 2_000, storeTimeout: 8_000, maxTtl: LONG.ttl };
    const patient = await lockService({ nodes: links.urls, ...timeouts });
    await untilAllVote(patient);
    const [one, two] = links.proxies;
    one!.delayMs = two!.delayMs = { replies: 300 };
    const error = await errorOf(patient.acquire(NAME, { ttl: 200, wait: 0 }));
    expect(error).toBeInstanceOf(LockStoreError);
    expect((error as Error).message).toMatch(/later than the lease|longer to grant|come in time/);
  });
});

describe('the loss of one answer of three', () => {
  it.each(['the answer', 'the connection'])('costs no acquisition (%s)', async (what) => {
    const [first] = links.proxies;
    for (let i = 0; i < 3; i++) {
      first!.dropReplies = true;
      const taken = locks.acquire(NAME, LONG);
      await until(() => hasLease(0), { what: 'it is granted' });
      if (what === 'the connection') first!.cut();
      const lock = await taken;
      expect(await others.tryAcquire(NAME)).toBeNull();
      expect(await lock.release()).toBe('released');
      await votesAgain(() => {
        first!.dropReplies = false;
        first!.cut();
      });
      await untilLeases(0);
    }
  });
});

describe('a release that a node could not be told', () => {
  it.each([
    ['cut off', () => links.cutOff(2), () => links.heal(2)],
    ['stopped', () => nodes.pause(2), () => nodes.resume(2)],
  ])('is told when the node is back that was %s', async (_how, begin, end) => {
    const lock = await locks.acquire(NAME, LONG);
    await untilLeases(3);
    begin();
    await locks.withLock('another', () => 'done', LONG);
    await untilNodes(locks, 'voting', 'voting', 'silent');
    expect(await lock.release()).toBe('released');
    end();
    await untilLeases(0);
  });

  it('has freed the name if one of the two that had it is silent, and the third has nothing', async () => {
    links.cutOff(2);
    await locks.withLock('another', () => 'done', LONG);
    await untilNodes(locks, 'voting', 'voting', 'unreachable');
    const lock = await locks.acquire(NAME, LONG);
    await untilLeases(2);
    links.heal(2);
    await untilAllVote(locks);
    nodes.pause(1);
    expect(await lock.release()).toBe('released');
    const next = await others.acquire(NAME, LONG);
    await next.release();
    nodes.resume(1);
    await untilLeases(0);
  });

  it('is told over the next connection when the last was lost with it', async () => {
    const lock = await locks.acquire(NAME, LONG);
    await untilLeases(3);
    links.proxies[2]!.dropRequests = true;
    expect(await lock.release()).toBe('released');
    await until(async () => !(await hasLease(0)) && !(await hasLease(1)), { what: 'two are told' });
    expect(await hasLease(2)).toBe(true);
    links.proxies[2]!.cut();
    links.proxies[2]!.dropRequests = false;
    await untilLeases(0);
  });

  it('frees nothing of whoever has the name by then', async () => {
    const lock = await locks.acquire(NAME, LONG);
    await untilLeases(3);
    links.cutOff(2);
    expect(await lock.release()).toBe('released');
    await look.clients[2]!.del(lease);
    const next = await others.acquire(NAME, LONG);
    await untilLeases(3);
    links.heal(2);
    await untilAllVote(locks);
    await locks.withLock('another', () => 'done', LONG);
    expect(await look.countLeases(NAME)).toBe(3);
    expect(next.isHeld).toBe(true);
    await next.release();
  });
});

describe('a node that is given the lease late', () => {
  it('is not given it any more once it was given back', async () => {
    const ttl = 6_000;
    const lock = await locks.acquire(NAME, { ttl });
    await untilLeases(3);
    await look.clients[2]!.del(lease);
    links.proxies[2]!.delayMs = { replies: 300 };
    const left = async () => (await look.leases(NAME))[0]!;
    await until(async () => (await left()) < 0.85 * ttl, { what: 'a renewal is due' });
    await until(async () => (await left()) > 0.9 * ttl, { what: 'it is renewed' });
    expect(await lock.release()).toBe('released');
    await passed(performance.now() + 600);
    expect(await hasLease(2)).toBe(false);
    links.proxies[2]!.delayMs = 0;
  });

  it('is renewed with the others, though it gives a higher token', async () => {
    const ttl = 6_000;
    // By then its clock is past the token that was proposed.
    links.proxies[2]!.delayMs = { requests: 50 };
    const lock = await locks.acquire(NAME, { ttl });
    const hasIt = async () => (await look.tokens(NAME))[2] === lock.fencingToken;
    await until(hasIt, { what: 'it has the same token as the others' });
    const left = async () => Math.min(...(await look.leases(NAME)));
    await until(async () => (await left()) < 0.8 * ttl, { what: 'a renewal is due' });
    await until(async () => (await left()) > 0.8 * ttl, { what: 'all have renewed it' });
    expect(await lock.release()).toBe('released');
  });

  it('has it from the next renewal on', async () => {
    const lock = await locks.acquire(NAME, { ttl: 6_000 });
    await untilLeases(3);
    await look.clients[2]!.del(lease);
    await untilLeases(3);
    expect(lock.isHeld).toBe(true);
    expect(await others.inspect(NAME)).toMatchObject({ fencingToken: lock.fencingToken });
    await lock.release();
  });
});
