import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { LockBusyError, type LockEvent, type LockService, LockStoreError } from 'nestjs-locker';
import { afterTest, errorOf, eventsOf, lockService, watch } from '../support/lock-service.js';
import type { NodeLinks } from '../support/node-links.js';
import { NodeLook, reasonOf, untilAllVote, untilNodes } from '../support/quorum.js';
import { RedisNodes } from '../support/redis-nodes.js';
import { until } from '../support/until.js';

jest.setTimeout(90_000);

const NAME = 'invoice:42';
const ROUNDS = 20;
/** What a node costs that is waited for; the library's default. */
const NODE_TIMEOUT_MS = 500;
const STORE_TIMEOUT_MS = 2_000;
/** What all else may take on a machine that others are busy on. */
const SLACK_MS = 1_500;

let nodes: RedisNodes;
let links: NodeLinks;
let look: NodeLook;
let locks: LockService;
let others: LockService;
let events: LockEvent[];

async function start(count: number): Promise<void> {
  nodes = await RedisNodes.start(count);
  links = await nodes.links();
  look = new NodeLook(nodes.servers);
  const options = { nodes: links.urls, ttl: '10s', firstDeployment: true } as const;
  [locks, others] = await Promise.all([lockService(options), lockService(options)]);
  await Promise.all([locks, others].map(untilAllVote));
  events = eventsOf(locks);
  // Before the services are closed, which would wait for those that hang.
  afterTest(() => {
    nodes.resume(...nodes.servers.keys());
    links.heal();
  });
}

afterEach(() => nodes.stop());

interface Outage {
  /** What the nodes are seen as meanwhile. */
  readonly state: 'unreachable' | 'silent';
  begin(which: number[]): unknown;
  end(which: number[]): unknown;
}

const OUTAGES: Record<string, Outage> = {
  killed: {
    state: 'unreachable',
    begin: (which) => nodes.kill(...which),
    end: (which) => nodes.restart(...which),
  },
  stopped: {
    state: 'silent',
    begin: (which) => nodes.pause(...which),
    end: (which) => nodes.resume(...which),
  },
  'cut off': {
    state: 'silent',
    begin: (which) => links.cutOff(...which),
    end: (which) => links.heal(...which),
  },
};

const statesWith = (state: string, which: number[]): string[] =>
  locks.nodes().map((_, i) => (which.includes(i) ? state : 'voting'));
const told = (state: string) =>
  events.flatMap((event) => (event.type === 'node' && event.state === state ? [event.node] : []));
const portsIn = (which: number[]) => new RegExp(`:(${portsOf(which).join('|')})\\b`);
const portsOf = (which: number[]) => which.map((i) => new URL(links.urls[i]!).port);

async function takeAndGiveBack(name = NAME): Promise<void> {
  const lock = await locks.acquire(name);
  expect(lock.isHeld).toBe(true);
  expect(await lock.release()).toBe('released');
}

const cases = [
  ['killed', 3],
  ['killed', 5],
  ['stopped', 5],
  ['cut off', 3],
] as const;

describe.each(cases)('while as many as can be are %s, of %d nodes', (how, count) => {
  let which: number[];
  const up = () => [...nodes.servers.keys()].filter((i) => !which.includes(i));
  beforeEach(async () => {
    await start(count);
    which = nodes.minority;
    await takeAndGiveBack();
    await OUTAGES[how]!.begin(which);
  });

  it('locks are taken and given back, and nobody waits for those nodes each time', async () => {
    const began = performance.now();
    for (let i = 0; i < ROUNDS; i++) await takeAndGiveBack(`${NAME}:${i}`);
    // Each round would take at least a time limit.
    expect(performance.now() - began).toBeLessThan((ROUNDS / 4) * NODE_TIMEOUT_MS);
    await untilNodes(locks, ...statesWith(OUTAGES[how]!.state, which));
    expect(new Set(told(OUTAGES[how]!.state)).size).toBe(which.length);
  });

  it('a name that is held is busy, told with its holder, and taken by force', async () => {
    const held = await locks.acquire(NAME);
    expect(await others.tryAcquire(NAME)).toBeNull();
    const error = await errorOf(others.acquire(NAME, { wait: 0 }));
    expect(error).toBeInstanceOf(LockBusyError);
    expect(error).toMatchObject({ holder: { fencingToken: held.fencingToken } });
    const { length } = up();
    expect(await others.inspect(NAME)).toMatchObject({
      fencingToken: held.fencingToken,
      nodes: { have: length, asked: length, all: count },
    });
    expect(await others.forceRelease(NAME)).toMatchObject({ fencingToken: held.fencingToken });
    const next = await others.tryAcquire(NAME);
    expect(next?.fencingToken).toBeGreaterThan(held.fencingToken);
    await next!.release();
  });

  it('those that wait are woken, in less time than they would ask in', async () => {
    const took: number[] = [];
    let held = await locks.acquire(NAME);
    for (let i = 0; i < 6; i++) {
      const next = i % 2 === 0 ? others : locks;
      const waiter = watch(next.acquire(NAME, { wait: '20s' }));
      await until(async () => (await look.waiting(NAME, up())).every((waiting) => waiting > 0), {
        what: 'it waits where it can',
      });
      const began = performance.now();
      await held.release();
      await until(() => waiter.settled, { what: 'it is given', timeoutMs: 20_000 });
      expect(waiter.error).toBeUndefined();
      took.push(performance.now() - began);
      held = waiter.value!;
    }
    await held.release();
    expect(took.toSorted((a, b) => a - b)[2]).toBeLessThan(NODE_TIMEOUT_MS);
  });

  it('a lock is kept, renewed, and lasts until the nodes are back', async () => {
    const held = await locks.acquire(NAME, { ttl: '6s' });
    const left = async () => Math.min(...(await look.leases(NAME, up())));
    await until(async () => (await left()) < 4_800, { what: 'a renewal is due' });
    await until(async () => (await left()) > 4_800, { what: 'it is renewed where it can be' });
    await OUTAGES[how]!.end(which);
    expect(held.isHeld).toBe(true);
    expect(await others.tryAcquire(NAME)).toBeNull();
    expect(await held.release()).toBe('released');
  });
});

describe.each(['stopped', 'cut off'])('once they are no longer %s', (how) => {
  it('nodes are asked again, and tell of it', async () => {
    await start(3);
    await OUTAGES[how]!.begin([1]);
    await takeAndGiveBack();
    await untilNodes(locks, 'voting', 'silent', 'voting');
    await OUTAGES[how]!.end([1]);
    await untilAllVote(locks);
    expect(told('voting').at(-1)).toContain(portsOf([1])[0]);
    const lock = await locks.acquire(NAME);
    await until(async () => (await look.countLeases(NAME)) === 3, { what: 'all of them have it' });
    await lock.release();
  });

  it('a node that was asked for long costs its time limit once more at most', async () => {
    await start(3);
    for (let i = 0; i < 3; i++) {
      await OUTAGES[how]!.begin([2]);
      const began = performance.now();
      for (let round = 0; round < ROUNDS; round++) await takeAndGiveBack(`${NAME}:${round}`);
      expect(performance.now() - began).toBeLessThan((ROUNDS / 4) * NODE_TIMEOUT_MS);
      await OUTAGES[how]!.end([2]);
      await untilAllVote(locks);
    }
  });
});

describe.each(Object.keys(OUTAGES))('while a majority is %s', (how) => {
  beforeEach(async () => {
    await start(3);
    await takeAndGiveBack();
  });

  it('every question fails within the time limit, and tells which nodes it is about', async () => {
    const questions: (() => Promise<unknown>)[] = [
      () => locks.acquire(NAME),
      () => locks.tryAcquire(NAME),
      () => locks.inspect(NAME),
      () => locks.forceRelease(NAME),
      () => locks.withLock(NAME, () => 'done'),
    ];
    const refusals = async () => {
      const began = performance.now();
      const errors = await Promise.all(questions.map((ask) => errorOf(ask())));
      expect(performance.now() - began).toBeLessThan(STORE_TIMEOUT_MS + SLACK_MS);
      for (const error of errors) expect(error).toBeInstanceOf(LockStoreError);
      return errors.map(reasonOf);
    };
    await OUTAGES[how]!.begin([0, 2]);
    // That one of them is gone may not have been noticed yet.
    for (const reason of await refusals()) expect(reason).toMatch(portsIn([0, 2]));
    await untilNodes(locks, ...statesWith(OUTAGES[how]!.state, [0, 2]));
    for (const reason of await refusals()) {
      for (const node of [0, 2]) expect(reason).toMatch(portsIn([node]));
    }
  });

  it('a lock is lost at its deadline, before anybody else can have it', async () => {
    const held = await locks.acquire(NAME, { ttl: '2s' });
    await OUTAGES[how]!.begin([0, 2]);
    await until(() => held.signal.aborted, { what: 'it is lost', timeoutMs: 10_000 });
    expect(held.signal.reason).toMatchObject({ reason: 'deadline' });
    expect(await errorOf(held.release())).toBeInstanceOf(LockStoreError);
  });
});

describe('a connection that breaks under the question', () => {
  it('is told with its node', async () => {
    await start(3);
    for (const node of [0, 1, 2]) {
      const proxy = links.proxies[node]!;
      proxy.onRequest = () => proxy.cut();
    }
    const error = (await errorOf(locks.acquire(NAME))) as Error;
    expect(error).toBeInstanceOf(LockStoreError);
    const named = portsOf([0, 1, 2]).filter((port) => reasonOf(error).includes(`:${port}`));
    expect(named.length).toBeGreaterThan(0);
    expect(error.message).not.toMatch(/offline ?queue/i);
  });
});

describe.each(['stopped', 'cut off'])('when a majority is no longer %s', (how) => {
  it('who waited all the time is given the lock', async () => {
    await start(3);
    const held = await others.acquire(NAME, { ttl: '10s' });
    const waiter = watch(locks.acquire(NAME, { wait: Infinity }));
    await look.untilWaiting(NAME, 1);
    await OUTAGES[how]!.begin([1, 2]);
    await untilNodes(locks, 'voting', 'silent', 'silent');
    expect(waiter.settled).toBe(false);
    await OUTAGES[how]!.end([1, 2]);
    await untilAllVote(others);
    await held.release().catch(() => undefined); // which it may have lost
    await until(() => waiter.settled, { what: 'it is given', timeoutMs: 20_000 });
    expect(waiter.error).toBeUndefined();
    expect(await waiter.value!.release()).toBe('released');
    await look.untilNothingRemains();
  });
});
