import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import {
  type AcquireOptions,
  type Lock,
  LockAbortedError,
  LockService,
  LockTimeoutError,
} from 'nestjs-locker';
import { passed } from '../support/lease-end.js';
import { errorOf, lockService, type Watched, watch } from '../support/lock-service.js';
import { NodeLook, untilAllVote } from '../support/quorum.js';
import { RedisNodes } from '../support/redis-nodes.js';
import { until } from '../support/until.js';

jest.setTimeout(60_000);

const NAME = 'invoice:42';
const LONG = { ttl: '10 minutes', wait: Infinity } as const;
/** Who waits gives a sign of life so often: a wait that ends before the next was woken. */
const SIGN_MS = 1_000;

let look: NodeLook;
// Not within: the services of a test are closed before.
afterEach(() => look.untilNothingRemains());

describe.each([3, 5])('those that wait, over %d nodes', (count) => {
  let nodes: RedisNodes;
  beforeAll(async () => {
    nodes = await RedisNodes.start(count);
    look = new NodeLook(nodes.servers);
  });
  afterAll(() => nodes.stop());
  const service = async (): Promise<LockService> => {
    const locks = await lockService({
      nodes: nodes.urls,
      maxTtl: '10 minutes',
      firstDeployment: true,
    });
    await untilAllVote(locks);
    return locks;
  };
  const given = async (waiter: Watched<Lock>): Promise<Lock> => {
    await until(() => waiter.settled, { what: 'it is given', timeoutMs: 20_000 });
    if (waiter.error) throw waiter.error;
    return waiter.value!;
  };

  it('leave no place behind when the lock goes to another process', async () => {
    const [first, second, third] = await Promise.all([service(), service(), service()]);
    const held = await first!.acquire(NAME, LONG);
    const waiter = watch(second!.acquire(NAME, LONG));
    await look.untilWaiting(NAME, 1);
    await held.release();
    const moved = await third!.attach((await given(waiter)).detach());
    expect(await moved.release()).toBe('released');
    expect(await first!.tryAcquire(NAME, { ttl: LONG.ttl })).not.toBeNull();
  });

  it('are woken by a release, and do not ask meanwhile but for a sign of life', async () => {
    const held = await (await service()).acquire(NAME, LONG);
    const waiter = watch((await service()).acquire(NAME, LONG));
    await look.untilWaiting(NAME, 1);
    await look.resetCalls();
    await passed(performance.now() + 3.3 * SIGN_MS);
    expect(Math.max(...(await look.calls()))).toBeLessThanOrEqual(5);
    expect(waiter.settled).toBe(false);

    await look.resetCalls();
    await held.release();
    const lock = await given(waiter);
    expect(lock.fencingToken).toBeGreaterThan(held.fencingToken);
    expect(await lock.release()).toBe('released');
    // Two releases, a question to each node that told of it before a majority was free, and a sign of life.
    expect(Math.max(...(await look.calls()))).toBeLessThanOrEqual(2 + count + 1);
  });

  it('are woken at once, and need not wait for their next sign of life', async () => {
    const [one, other] = [await service(), await service()];
    let held = await one.acquire(NAME, LONG);
    const took: number[] = [];
    for (let i = 0; i < 10; i++) {
      const waiter = watch((i % 2 === 0 ? other : one).acquire(NAME, LONG));
      await look.untilWaiting(NAME, 1, i === 0 ? 1 : 2);
      const start = performance.now();
      await held.release();
      held = await given(waiter);
      took.push(performance.now() - start);
    }
    await held.release();
    expect(took.filter((ms) => ms > SIGN_MS * 0.9)).toEqual([]);
  });

  it('are woken also when the name is given back while they ask for the first time', async () => {
    const [one, other] = [await service(), await service()];
    const took: number[] = [];
    for (let round = 0; round < 40; round++) {
      const held = await one.acquire(NAME, LONG);
      const waiter = watch(other.acquire(NAME, LONG));
      for (let turns = 0; turns < round % 8; turns++) await new Promise(setImmediate);
      const start = performance.now();
      await held.release();
      await (await given(waiter)).release();
      took.push(performance.now() - start);
    }
    expect(took.filter((ms) => ms > SIGN_MS * 0.9)).toEqual([]);
  });

  it('are served in their order within one process, with tokens that grow', async () => {
    const held = await (await service()).acquire(NAME, LONG);
    const locks = await service();
    const order: number[] = [];
    const tokens = [held.fencingToken];
    const waiters = Array.from({ length: 20 }, (_, i) =>
      locks.withLock(
        NAME,
        (lock) => {
          order.push(i);
          tokens.push(lock.fencingToken);
        },
        LONG,
      ),
    );
    await look.untilWaiting(NAME, 1);
    await held.release();
    await Promise.all(waiters);
    expect(order).toEqual([...order.keys()]);
    expect(order).toHaveLength(20);
    expect(tokens).toEqual([...new Set(tokens)].sort((a, b) => a - b));
  });

  it('get it though another service always has callers that want it', async () => {
    const greedy = await service();
    const patient = await service();
    let rounds = 0;
    let isOver = false;
    const loop = async () => {
      while (!isOver) await greedy.withLock(NAME, () => rounds++, LONG);
    };
    const loops = Promise.all(Array.from({ length: 10 }, loop));
    await until(() => rounds > 100, { what: 'they pass it on' });
    const waits: number[] = [];
    for (let i = 0; i < 10; i++) {
      const start = performance.now();
      await patient.withLock(NAME, () => waits.push(performance.now() - start), LONG);
    }
    isOver = true;
    await loops;
    expect(Math.max(...waits)).toBeLessThan(3 * SIGN_MS);
  });

  it('have it one at a time, and none of several services starves', async () => {
    const services = await Promise.all([1, 2, 3, 4].map(service));
    const rounds = services.map(() => 0);
    let holders = 0;
    let most = 0;
    const tokens: number[] = [];
    const isOver = () => rounds.every((each) => each >= 20);
    const work = async (which: number, lock: Lock) => {
      most = Math.max(most, ++holders);
      tokens.push(lock.fencingToken);
      await new Promise(setImmediate);
      rounds[which]!++;
      holders--;
    };
    const loop = async (which: number) => {
      while (!isOver()) {
        await services[which]!.withLock(NAME, (lock) => work(which, lock), LONG);
      }
    };
    const loops = Promise.all(services.flatMap((_, i) => [loop(i), loop(i), loop(i)]));
    await until(isOver, { what: 'each has had its rounds', timeoutMs: 30_000 });
    await loops;
    expect(most).toBe(1);
    expect(tokens).toEqual([...new Set(tokens)].sort((a, b) => a - b));
    // Whoever has had it stands back behind those that wait.
    expect(Math.max(...rounds)).toBeLessThan(20 * Math.min(...rounds));
  });

  it('are not overtaken by one that only tries', async () => {
    const [holder, waits, tries] = [await service(), await service(), await service()];
    for (let round = 0; round < 10; round++) {
      const held = await holder.acquire(NAME, LONG);
      const waiter = watch(waits.acquire(NAME, LONG));
      await look.untilWaiting(NAME, 1);
      const releasing = held.release();
      const attempts: (Lock | null)[] = [];
      while (!waiter.settled) attempts.push(await tries.tryAcquire(NAME, { ttl: LONG.ttl }));
      expect(await releasing).toBe('released');
      expect(attempts.filter(Boolean)).toEqual([]);
      await (await given(waiter)).release();
    }
    const lock = await tries.tryAcquire(NAME);
    expect(lock?.isHeld).toBe(true);
    await lock!.release();
  });

  it.each(['by its signal', 'by its time'])('leave nothing when they end %s', async (how) => {
    const held = await (await service()).acquire(NAME, LONG);
    const caller = new AbortController();
    const options: AcquireOptions =
      how === 'by its time' ? { wait: 500 } : { ...LONG, signal: caller.signal };
    const waiting = (await service()).acquire(NAME, options);
    const ended = errorOf(waiting);
    await look.untilWaiting(NAME, 1);
    caller.abort();
    const error = await ended;
    expect(error).toBeInstanceOf(how === 'by its time' ? LockTimeoutError : LockAbortedError);
    await look.untilWaiting(NAME, 0, 0);
    expect(await look.countLeases(NAME)).toBe(count);
    expect(await held.release()).toBe('released');
  });

  it('pass on what they were granted at the moment they gave up', async () => {
    const [holder, quitter, next] = [await service(), await service(), await service()];
    for (let round = 0; round < 20; round++) {
      const held = await holder.acquire(NAME, LONG);
      const caller = new AbortController();
      const quits = watch(quitter.acquire(NAME, { ...LONG, signal: caller.signal }));
      await look.untilWaiting(NAME, 1);
      const waiter = watch(next.acquire(NAME, LONG));
      await look.untilWaiting(NAME, 2);
      const releasing = held.release();
      for (let turns = 0; turns < round; turns++) await new Promise(setImmediate);
      caller.abort();
      await releasing;
      await until(() => quits.settled, { what: 'the first has quit' });
      await quits.value?.release();
      expect(await (await given(waiter)).release()).toBe('released');
    }
  });

  it('are told their place among those of their process, and in the error', async () => {
    const held = await (await service()).acquire(NAME, LONG);
    const locks = await service();
    const places: number[][] = [[], []];
    const waiters = places.map((told) =>
      locks.withLock(NAME, () => 'done', { ...LONG, onWaiting: (place) => told.push(place) }),
    );
    await until(() => places.flat().length === 2, { what: 'both are told' });
    expect(places).toEqual([[1], [2]]);
    const error = await errorOf(locks.acquire(NAME, { wait: 300 }));
    expect(error).toBeInstanceOf(LockTimeoutError);
    expect(error).toMatchObject({
      lockName: NAME,
      place: 3,
      holder: { holder: { pid: process.pid } },
    });
    await held.release();
    expect(await Promise.all(waiters)).toEqual(['done', 'done']);
  });

  it('ask when the lease of a holder has ended that never gave it back', async () => {
    const holder = await service();
    await holder.acquire(NAME, { ttl: 2_000, renew: false });
    const waiter = watch((await service()).acquire(NAME, LONG));
    await look.untilWaiting(NAME, 1);
    const left = Math.min(...(await look.leases(NAME)));
    const end = performance.now() + left;
    const lock = await given(waiter);
    expect(performance.now()).toBeGreaterThan(end - 50);
    expect(performance.now()).toBeLessThan(end + SIGN_MS);
    await lock.release();
  });
});
