import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { Lock, LockService } from 'nestjs-locker';
import { Child } from '../support/child-process.js';
import { lockService, type Watched, watch } from '../support/lock-service.js';
import { NodeLook, untilAllVote } from '../support/quorum.js';
import { RedisNodes } from '../support/redis-nodes.js';
import { until } from '../support/until.js';

jest.setTimeout(60_000);

const NAME = 'invoice:42';
const LONG = { ttl: '10 minutes', wait: Infinity } as const;
/** For so long a place is kept without a sign of life, which comes three times in it. */
const CLAIM_MS = 3_000;
/** What a round trip may take on a machine that others are busy on. */
const SLACK_MS = 2_000;

let nodes: RedisNodes;
let look: NodeLook;
let locks: LockService;

beforeEach(async () => {
  nodes = await RedisNodes.start(3);
  look = new NodeLook(nodes.servers);
  locks = await service();
});
afterEach(async () => {
  await look.untilNothingRemains();
  await nodes.stop();
});

async function service(): Promise<LockService> {
  const made = await lockService({ nodes: nodes.urls, maxTtl: LONG.ttl, firstDeployment: true });
  await untilAllVote(made);
  return made;
}

/** A process of its own that takes the name, and waits for it once more, until it is told to close. */
const process = (options: object) =>
  Child.start(
    new URL('../deployments/fixtures/holds-over-nodes.ts', import.meta.url),
    JSON.stringify({ nodes: nodes.urls, maxTtl: LONG.ttl }),
    NAME,
    JSON.stringify(options),
  );

/** Resolves with how long it took. */
async function given(waiter: Watched<Lock>, from = performance.now()): Promise<number> {
  await until(() => waiter.settled, { what: 'it is given', timeoutMs: 20_000 });
  expect(waiter.error).toBeUndefined();
  return performance.now() - from;
}

const WAITS = { ttl: LONG.ttl, wait: '50s' };

describe('a process that waits', () => {
  let held: Lock;
  let waiting: Child;
  beforeEach(async () => {
    held = await locks.acquire(NAME, LONG);
    waiting = process(WAITS);
    await look.untilWaiting(NAME, 1);
  });

  it('and is killed does not hold up the others that wait', async () => {
    const next = watch((await service()).acquire(NAME, LONG));
    await look.untilWaiting(NAME, 2, 2);
    await waiting.kill();
    await held.release();
    expect(await given(next)).toBeLessThan(0.7 * CLAIM_MS);
    await next.value!.release();
  });

  it('and stands still does not hold up the others that wait either', async () => {
    const next = watch((await service()).acquire(NAME, LONG));
    await look.untilWaiting(NAME, 2, 2);
    waiting.signal('SIGSTOP');
    await held.release();
    expect(await given(next)).toBeLessThan(0.7 * CLAIM_MS);
    waiting.signal('SIGCONT');
    await next.value!.release();
    const { token } = await waiting.told<{ token: number }>('granted');
    expect(token).toBeGreaterThan(next.value!.fencingToken);
    waiting.write('close\n');
    expect(await waiting.exit()).toEqual({ code: 0, errors: '' });
  });

  it('and is killed keeps its name from those that come later for as long as its place lasts', async () => {
    await waiting.kill();
    await held.release();
    const began = performance.now();
    let lock: Lock | null = null;
    await until(async () => (lock = await locks.tryAcquire(NAME, { ttl: LONG.ttl })) !== null, {
      what: 'it can be had',
      timeoutMs: 10_000,
    });
    expect(performance.now() - began).toBeLessThan(CLAIM_MS + SLACK_MS);
    await lock!.release();
  });
});

describe('a process that holds', () => {
  it('and is killed is followed by who waits when its ttl ends', async () => {
    const holder = process({ ttl: 2_000 });
    const { token } = await holder.told<{ token: number }>('granted');
    const waiter = watch((await service()).acquire(NAME, LONG));
    await look.untilWaiting(NAME, 1, 1);
    await holder.kill();
    const end = performance.now() + Math.max(...(await look.leases(NAME)));
    await given(waiter);
    expect(performance.now()).toBeLessThan(end + SLACK_MS);
    expect(waiter.value!.fencingToken).toBeGreaterThan(token);
    await waiter.value!.release();
  });

  it('and stands still past its ttl knows, when it goes on, that it holds no more', async () => {
    const holder = process({ ttl: 2_000 });
    const { token } = await holder.told<{ token: number }>('granted');
    const waiter = watch((await service()).acquire(NAME, LONG));
    await look.untilWaiting(NAME, 1, 1);
    holder.signal('SIGSTOP');
    await given(waiter);
    expect(waiter.value!.fencingToken).toBeGreaterThan(token);
    holder.write('close\n');
    holder.signal('SIGCONT');
    expect(await holder.told('closed')).toMatchObject({ wasHeld: false, aborted: true });
    expect(await holder.exit()).toEqual({ code: 0, errors: '' });
    expect(waiter.value!.isHeld).toBe(true);
    expect(await look.countLeases(NAME)).toBeGreaterThanOrEqual(2);
    await waiter.value!.release();
  });
});
