import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  it,
  jest,
} from '@jest/globals';
import { LockLostError, LockOptionsError, LockReentryError, type LockService } from 'nestjs-locker';
import { errorOf, eventsOf, lockService, watch } from '../support/lock-service.js';
import { NodeLook, nodeKeys, untilAllVote, warmUp } from '../support/quorum.js';
import { RedisNodes } from '../support/redis-nodes.js';
import { until } from '../support/until.js';

jest.setTimeout(60_000);

const NAME = 'invoice:42';

let nodes: RedisNodes;
let look: NodeLook;
beforeAll(async () => {
  nodes = await RedisNodes.start(3);
  look = new NodeLook(nodes.servers);
});
afterAll(() => nodes.stop());
let locks: LockService;
let others: LockService;
beforeEach(async () => {
  [locks, others] = await Promise.all([service('billing'), service('reports')]);
});
afterEach(() => look.untilNothingRemains());

/** The last is asked a moment after those that decide. */
const untilAllHave = (name = NAME) =>
  until(async () => (await look.countLeases(name)) === 3, { what: 'all have it' });

async function service(name: string): Promise<LockService> {
  const made = await lockService({ nodes: nodes.urls, firstDeployment: true, service: name });
  await untilAllVote(made);
  return made;
}

describe('a lock over three nodes', () => {
  it('is held by one, and told with the nodes that have it', async () => {
    const lock = await locks.acquire(NAME, { ttl: '10s' });
    expect(lock.isHeld).toBe(true);
    await untilAllHave();
    const record = await others.inspect(NAME);
    expect(record).toMatchObject({
      holder: { service: 'billing', pid: process.pid },
      fencingToken: lock.fencingToken,
      nodes: { all: 3 },
    });
    expect(record!.nodes!.have).toBeGreaterThanOrEqual(2);
    expect(record!.nodes!.asked).toBeGreaterThanOrEqual(record!.nodes!.have);
    expect(record!.remainingMs).toBeGreaterThan(5_000);
    expect(Math.abs(record!.since.getTime() - Date.now())).toBeLessThan(60_000);
    expect(await errorOf(others.acquire(NAME, { wait: 0 }))).toMatchObject({
      code: 'LOCK_BUSY',
      holder: { holder: { service: 'billing' }, fencingToken: lock.fencingToken },
    });
    expect(await lock.release()).toBe('released');
    expect(await others.inspect(NAME)).toBeNull();
  });

  it('is taken and given back with one call of each node', async () => {
    await warmUp(locks, look);
    const seen: number[][][] = [];
    // On a busy machine an answer may come so late that it has to be put right by another call.
    for (let i = 0; i < 5; i++) {
      await look.resetCalls();
      const lock = await locks.acquire(NAME);
      await untilAllHave();
      const taken = await look.calls();
      await lock.release();
      await until(async () => (await look.countLeases(NAME)) === 0, { what: 'all are told' });
      seen.push([taken, await look.calls()]);
    }
    expect(seen).toContainEqual([
      [1, 1, 1],
      [2, 2, 2],
    ]);
  });

  it('has a token above all before, whoever took it', async () => {
    const tokens: number[] = [];
    for (let i = 0; i < 50; i++) {
      await (i % 2 ? locks : others).withLock(NAME, (lock) => tokens.push(lock.fencingToken));
    }
    expect(tokens).toEqual([...new Set(tokens)].sort((a, b) => a - b));
  });

  it('of several names is taken and given back as a whole', async () => {
    const held = await others.acquire('b');
    expect(await locks.tryAcquire(['a', 'b', 'c'])).toBeNull();
    for (const name of ['a', 'c']) {
      await until(async () => (await look.countLeases(name)) === 0, { what: `${name} is free` });
    }
    const waiting = locks.acquire(['a', 'b', 'c'], { wait: '10s' });
    await held.release();
    const lock = await waiting;
    for (const name of ['a', 'b', 'c']) expect(await others.tryAcquire(name)).toBeNull();
    expect(await lock.release()).toBe('released');
    const again = await others.acquire(['c', 'b', 'a']);
    await again.release();
  });

  it('is joined within its own work, and refused there where that is asked for', async () => {
    await locks.withLock(NAME, async (outer) => {
      const inner = await locks.withLock(NAME, (lock) => lock.fencingToken);
      expect(inner).toBe(outer.fencingToken);
      const refused = locks.acquire(NAME, { reentrant: false });
      expect(await errorOf(refused)).toBeInstanceOf(LockReentryError);
      expect(outer.isHeld).toBe(true);
    });
    expect(await others.inspect(NAME)).toBeNull();
  });

  it('is extended on a majority', async () => {
    const lock = await locks.acquire(NAME, { ttl: '6s' });
    await lock.extend('25s');
    expect(lock.remainingMs).toBeGreaterThan(15_000);
    const left = await look.leases(NAME);
    expect(left.filter((ms) => ms > 15_000).length).toBeGreaterThanOrEqual(2);
    await lock.release();
  });

  it('is lost at maxHold, and somebody else has it then', async () => {
    const lock = await locks.acquire(NAME, { ttl: '5s', maxHold: '500ms' });
    const next = others.acquire(NAME, { wait: '10s' });
    await until(() => lock.signal.aborted, { what: 'it is lost' });
    expect(lock.signal.reason).toMatchObject({ reason: 'max-hold' });
    const { fencingToken, release } = await next.then((taken) => ({
      fencingToken: taken.fencingToken,
      release: () => taken.release(),
    }));
    expect(fencingToken).toBeGreaterThan(lock.fencingToken);
    await release();
  });

  it('keeps its name taken for minHold, also if it is given back at once', async () => {
    const lock = await locks.acquire(NAME, { minHold: '800ms' });
    const start = performance.now();
    expect(await lock.release()).toBe('released');
    expect(await others.tryAcquire(NAME)).toBeNull();
    const next = await others.acquire(NAME, { wait: '10s' });
    expect(performance.now() - start).toBeGreaterThan(500);
    await next.release();
  });

  it('goes on elsewhere with its token when it is detached, once', async () => {
    const lock = await locks.acquire(NAME, { ttl: '10s' });
    const text = lock.detach();
    expect(lock.isHeld).toBe(false);
    const attached = await others.attach(text);
    expect(attached.fencingToken).toBe(lock.fencingToken);
    expect(await locks.inspect(NAME)).toMatchObject({ holder: { service: 'reports' } });
    expect(await errorOf(locks.attach(text))).toMatchObject({ reason: 'taken-over' });
    expect(await attached.release()).toBe('released');
    expect(await errorOf(locks.attach(text))).toMatchObject({ reason: 'expired' });
  });

  it('is never longer than maxTtl, for which a node that forgot it does not vote', async () => {
    const error = await errorOf(locks.acquire(NAME, { ttl: '31s' }));
    expect(error).toBeInstanceOf(LockOptionsError);
    expect((error as Error).message).toContain('maxTtl');
    const lock = await locks.acquire(NAME, { ttl: '10s' });
    expect(await errorOf(lock.extend('31s'))).toBeInstanceOf(LockOptionsError);
    expect(lock.isHeld).toBe(true);
    await lock.release();
  });
});

describe('a lock that is taken by force', () => {
  const ttl = 6_000;
  afterEach(() => look.dropForced(NAME));

  it('is lost to its holder, who is told so with the next renewal', async () => {
    const lock = await locks.acquire(NAME, { ttl });
    const another = await locks.acquire('another', { ttl });
    expect(await others.forceRelease(NAME)).toMatchObject({
      holder: { service: 'billing' },
      fencingToken: lock.fencingToken,
    });
    expect(await look.countLeases(NAME)).toBe(0);
    await until(() => lock.signal.aborted, { what: 'the holder is told' });
    expect(lock.signal.reason).toBeInstanceOf(LockLostError);
    expect(lock.signal.reason).toMatchObject({ reason: 'forced' });
    expect(await lock.release()).toBe('expired');
    expect(another.isHeld).toBe(true);
    await another.release();
    for (const ms of await look.dropForced(NAME)) {
      expect(ms).toBeGreaterThan(0);
      expect(ms).toBeLessThan(ttl);
    }
  });

  it('is told as that also when somebody else has it by then', async () => {
    const lock = await locks.acquire(NAME, { ttl });
    const waiting = others.acquire(NAME, { wait: '10s' });
    await look.untilWaiting(NAME, 1);
    await (await service('admin')).forceRelease(NAME);
    const next = await waiting;
    await until(() => lock.signal.aborted, { what: 'the holder is told' });
    expect(lock.signal.reason).toMatchObject({ reason: 'forced' });
    expect(await lock.release()).toBe('taken-over');
    expect(next.isHeld).toBe(true);
    await next.release();
  });

  it('is free for who tries, also if its holder had waited for it', async () => {
    const first = await others.acquire(NAME);
    const waiting = locks.acquire(NAME, { ttl, wait: '10s' });
    await look.untilWaiting(NAME, 1);
    await first.release();
    const held = await waiting;
    await others.forceRelease(NAME);
    const next = await others.tryAcquire(NAME, { ttl });
    expect(next?.fencingToken).toBeGreaterThan(held.fencingToken);
    await next!.release();
    await until(() => held.signal.aborted, { what: 'it is told', timeoutMs: 15_000 });
  });

  it('is lost at once to a holder of the same service', async () => {
    const events = eventsOf(locks);
    const lock = await locks.acquire(NAME, { ttl });
    await locks.forceRelease(NAME);
    expect(lock.isHeld).toBe(false);
    expect(lock.signal.reason).toMatchObject({ reason: 'forced' });
    expect(events.map(({ type }) => type)).toEqual(['acquired', 'forced', 'lost']);
  });

  it('is told to nobody where nobody holds it', async () => {
    expect(await others.forceRelease(NAME)).toBeNull();
  });
});

describe('many locks of one service', () => {
  it('are renewed by one call of each node', async () => {
    await warmUp(locks, look);
    const ttl = 6_000;
    const names = Array.from({ length: 60 }, (_, i) => `invoice:${i}`);
    const held = await Promise.all(names.map((name) => locks.acquire(name, { ttl })));
    for (const name of names) await untilAllHave(name);
    await look.resetCalls();
    const least = async () => {
      const left = await Promise.all(names.map((name) => look.leases(name)));
      return Math.min(...left.flat());
    };
    const options = { timeoutMs: 10_000, intervalMs: 50 };
    await until(async () => (await least()) < 0.8 * ttl, { what: 'a renewal is due', ...options });
    await until(async () => (await least()) > 0.8 * ttl, { what: 'all are renewed', ...options });
    const calls = await look.calls();
    // Those that were taken last may be due a little later.
    expect(Math.max(...calls)).toBeLessThanOrEqual(2);
    expect(Math.min(...calls)).toBeGreaterThan(0);
    expect(held.every(({ isHeld }) => isHeld)).toBe(true);
    await Promise.all(held.map((lock) => lock.release()));
  });

  it('are taken and given back by few calls when that is asked for at once', async () => {
    await warmUp(locks, look);
    await look.resetCalls();
    const names = Array.from({ length: 128 }, (_, i) => `invoice:${i}`);
    const held = await Promise.all(names.map((name) => locks.acquire(name)));
    await Promise.all(held.map((lock) => lock.release()));
    await until(async () => (await look.countLeases(names.at(-1)!)) === 0, { what: 'it is free' });
    // 64 a call, of those asked first and of those asked a moment later.
    expect(Math.max(...(await look.calls()))).toBeLessThanOrEqual(8);
  });
});

describe('callers of one process that want the same name', () => {
  it('pass from one caller of a process to the next with few commands, and tokens in order', async () => {
    await warmUp(locks, look);
    await look.resetCalls();
    const tokens: number[] = [];
    const loop = async () => {
      for (let i = 0; i < 20; i++) {
        await locks.withLock(NAME, (lock) => tokens.push(lock.fencingToken), { wait: '60s' });
      }
    };
    await Promise.all(Array.from({ length: 32 }, loop));
    expect(tokens).toHaveLength(640);
    expect(tokens).toEqual([...new Set(tokens)].sort((a, b) => a - b));
    // At most 64 pass one lease on, 25 ms long; each turn is taken, given back, and maybe asked for twice.
    expect(Math.max(...(await look.calls()))).toBeLessThanOrEqual(640 / 10);
  });

  it('have no token that another process has had', async () => {
    const tokens: number[] = [];
    const loop = async (from: LockService) => {
      for (let i = 0; i < 10; i++) {
        await from.withLock(NAME, (lock) => tokens.push(lock.fencingToken), { wait: '60s' });
      }
    };
    await Promise.all([locks, others].flatMap((from) => [loop(from), loop(from), loop(from)]));
    expect(tokens).toHaveLength(60);
    expect(tokens).toEqual([...new Set(tokens)].sort((a, b) => a - b));
  });
});

describe('what several nodes cannot have', () => {
  const refused: [string, () => unknown, string][] = [
    ['semaphores', () => locks.semaphore('s', 2).acquire(), 'no semaphores over several nodes'],
    ['shared locks', () => locks.acquire(NAME, { mode: 'shared' }), 'no shared locks over several'],
    ['replicas', () => locks.acquire(NAME, { minReplicas: 1 }), 'for replicas of one Redis'],
  ];
  it.each(refused)('is refused with the reason (%s)', async (_what, take, reason) => {
    const refusal = watch(Promise.resolve().then(take));
    await until(() => refusal.settled, { what: 'it is refused' });
    expect(refusal.error).toBeInstanceOf(LockOptionsError);
    expect((refusal.error as Error).message).toContain(reason);
  });
});

describe("somebody else's key where a lease should be", () => {
  it('fails that lock alone, with what Redis says of it', async () => {
    const { lease } = nodeKeys('theirs');
    await Promise.all(look.clients.map((client) => client.lpush(lease, 'a list')));
    const [theirs, ours] = await Promise.allSettled([
      locks.acquire('theirs'),
      locks.acquire('ours'),
    ]);
    expect(String((theirs as PromiseRejectedResult).reason)).toContain('WRONGTYPE');
    expect(ours.status).toBe('fulfilled');
    await (ours as PromiseFulfilledResult<{ release(): Promise<unknown> }>).value.release();
    await Promise.all(look.clients.map((client) => client.del(lease)));
  });
});
