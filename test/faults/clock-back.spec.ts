import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { LockService } from 'nestjs-locker';
import { afterTest, lockService } from '../support/lock-service.js';
import { NodeLook } from '../support/quorum.js';
import { queueOf } from '../support/queue.js';
import { RedisServer } from '../support/redis-server.js';
import { until } from '../support/until.js';

jest.setTimeout(60_000);

const STEP_MS = 60_000;
const NAME = 'invoice:42';

let server: RedisServer;
let locks: LockService;
let other: LockService;

beforeAll(async () => {
  server = await RedisServer.start({ canStepClock: true });
});
afterAll(() => server.stop());
beforeEach(async () => {
  await server.client().flushall();
  locks = await lockService({ redis: server.url, reports: false });
  other = await lockService({ redis: server.url, reports: false });
});

const onLinux = process.platform === 'linux' ? describe : describe.skip;

onLinux("when Redis' clock is set back while it is held", () => {
  it('a lock that others wait for goes to the next one at its release', async () => {
    const lock = await locks.acquire(NAME, { ttl: '10s' });
    const waiting = other.acquire(NAME, { wait: '5s' });
    await queueOf(server.client(), NAME, 1);
    server.stepClock(-STEP_MS);
    expect(await lock.release()).toBe('released');
    const next = await waiting;
    expect(next.fencingToken).toBeGreaterThan(lock.fencingToken);
    expect(await next.release()).toBe('released');
    expect(await locks.inspect(NAME)).toBeNull();
  });

  it('a permit is free at its release', async () => {
    const permit = await locks.semaphore(NAME, 1).acquire({ ttl: '10s' });
    server.stepClock(-STEP_MS);
    expect(await permit.release()).toBe('released');
    const next = await other.semaphore(NAME, 1).tryAcquire();
    expect(next?.isHeld).toBe(true);
    await next!.release();
  });

  it('what is held for longer than its work is so for no longer than was asked', async () => {
    const lock = await locks.acquire(NAME, { ttl: '10s', minHold: 300 });
    server.stepClock(-STEP_MS);
    await lock.release();
    expect((await other.inspect(NAME))!.remainingMs).toBeLessThanOrEqual(300);
    const next = await other.acquire(NAME, { wait: '5s' });
    expect(await next.release()).toBe('released');
  });

  it('so it is on a node of several', async () => {
    const servers = await Promise.all(
      [1, 2, 3].map(() => RedisServer.start({ canStepClock: true })),
    );
    for (const each of servers) afterTest(() => each.stop());
    const urls = servers.map(({ url }) => url);
    const over = await lockService({ nodes: urls, firstDeployment: true, reports: false });
    const look = new NodeLook(servers);
    const lock = await over.acquire(NAME, { ttl: '10s', minHold: 2_000 });
    const isEverywhere = async () => (await look.countLeases(NAME)) === 3;
    await until(isEverywhere, { what: 'all nodes have it' });
    servers[0]!.stepClock(-STEP_MS);
    await lock.release();
    const kept = async () => Math.max(...(await look.leases(NAME)));
    await until(async () => (await kept()) <= 2_000, { what: 'all have given it up so far' });
    expect(await kept()).toBeLessThanOrEqual(2_000);
  });
});
