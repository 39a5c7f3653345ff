import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { Redis } from 'ioredis';
import { type Lock, LockLostError, LockService, LockStoreError } from 'nestjs-locker';
import { leaseKey } from '../support/lease-end.js';
import { afterTest, lockApp, type LockAppOptions, watch } from '../support/lock-service.js';
import { queueOf } from '../support/queue.js';
import { RedisServer } from '../support/redis-server.js';
import { SentinelGroup } from '../support/sentinel-group.js';
import { until } from '../support/until.js';

jest.setTimeout(90_000);

/** Longer than any failover of these tests. */
const LONG_TTL = 20_000;
/** How long a call may take beyond its own limits before it counts as hanging. */
const SLACK_MS = 5_000;

let group: SentinelGroup;

/** The Sentinels are patient until told: under load they would see deaths where there are none. */
async function startGroup(): Promise<void> {
  group = await SentinelGroup.start();
  await declareDeadAfter(60_000);
}

async function declareDeadAfter(ms: number): Promise<void> {
  for (const sentinel of group.sentinelServers) {
    const client = sentinel.client();
    await client.call('SENTINEL', 'SET', group.name, 'down-after-milliseconds', ms);
    client.disconnect();
  }
}

/** Has the Sentinels replace a master that is gone, and resolves with the new one. */
async function replaced(old: RedisServer): Promise<RedisServer> {
  await declareDeadAfter(500);
  const promoted = await group.promotedAfter(old);
  await declareDeadAfter(60_000);
  return promoted;
}

/** One replica of an application, closed after the test. */
async function replica(options: LockAppOptions = {}) {
  const { sentinels, name } = group;
  const app = await lockApp({ redis: { sentinels, name }, storeTimeout: 500, ...options });
  return { app, locks: app.get(LockService) };
}

/** What every attempt came to, again and again until one is given. */
async function insist(locks: LockService, name: string) {
  const refusals: unknown[] = [];
  let lock: Lock | null = null;
  const attempt = async () => {
    const attempted = watch(locks.tryAcquire(name, { ttl: LONG_TTL }));
    await until(() => attempted.settled, { what: 'the attempt ended', timeoutMs: 500 + SLACK_MS });
    if (attempted.error) refusals.push(attempted.error);
    lock = attempted.value ?? null;
    return lock !== null;
  };
  await until(attempt, { what: `"${name}" is given`, timeoutMs: 60_000, intervalMs: 20 });
  return { lock: lock! as Lock, refusals };
}

const lossOf = (lock: Lock): unknown => lock.signal.reason;

const leaseKeys = (server: Redis): Promise<string[]> => server.keys('lock:*:lease:*');

/** Resolves when all that the master has written stands on its replicas. */
async function replicated(master: RedisServer): Promise<void> {
  const client = master.client();
  await client.set('sentinel-spec:mark', '');
  await until(async () => (await client.wait(2, 100)) === 2, { what: 'the replicas follow' });
  client.disconnect();
}

describe('locks on a Sentinel group', () => {
  beforeAll(startGroup);
  afterAll(() => group.stop());

  it('are given by the master, renewed and given back', async () => {
    const { locks } = await replica();
    const other = await replica();
    const lock = await locks.acquire('plain', { ttl: 600 });
    expect(await other.locks.tryAcquire('plain')).toBeNull();
    const deadline = () => performance.now() + lock.remainingMs;
    const before = deadline();
    await until(() => deadline() > before + 50, { what: 'it was renewed' });
    await lock.extend('1 minute');
    expect(await other.locks.inspect('plain')).toMatchObject({ fencingToken: lock.fencingToken });
    expect(await leaseKeys((await group.master()).client())).toHaveLength(1);
    expect(await lock.release()).toBe('released');
    const next = await other.locks.acquire('plain');
    expect(next.fencingToken).toBeGreaterThan(lock.fencingToken);
    await locks.forceRelease('plain');
    await expect(next.extend('1s')).rejects.toMatchObject({ reason: 'forced' });
  });

  it('are kept over a forced failover by renewals on the new master', async () => {
    const { locks } = await replica();
    const contender = await replica();
    const lock = await locks.acquire('kept', { ttl: 12_000 });
    const old = await group.master();
    await replicated(old);

    let done = false;
    const attempts: unknown[] = [];
    const contention = until(
      async () => {
        attempts.push(await contender.locks.tryAcquire('kept').catch((error: unknown) => error));
        return done;
      },
      { what: 'the contention ends', timeoutMs: 80_000, intervalMs: 10 },
    );
    await group.failover();
    const promoted = await group.master();
    expect(promoted).not.toBe(old);
    const client = promoted.client();
    const key = leaseKey('kept');
    const inherited = await client.pexpiretime(key);
    await until(async () => (await client.pexpiretime(key)) > inherited || !lock.isHeld, {
      what: 'the lease is renewed on the new master, or lost',
      timeoutMs: 15_000,
    });
    done = true;
    await contention;

    expect(lossOf(lock)).toBeUndefined();
    expect(lock.isHeld).toBe(true);
    // Out of reach for a while is allowed; given away is not.
    const failures = attempts.filter((attempt) => attempt !== null);
    expect(failures.every((failure) => failure instanceof LockStoreError)).toBe(true);
    expect(attempts.at(-1)).toBeNull();
    expect(await lock.release()).toBe('released');
    const { lock: next } = await insist(contender.locks, 'kept');
    expect(next.fencingToken).toBeGreaterThan(lock.fencingToken);
    await next.release();
  });

  it('are waited for over a forced failover, and handed over on the new master', async () => {
    const { locks } = await replica();
    const contender = await replica();
    const lock = await locks.acquire('waited', { ttl: '1 minute' });
    const old = await group.master();
    const waiter = watch(contender.locks.acquire('waited', { wait: Infinity }));
    await queueOf(old.client(), 'waited', 1);
    await replicated(old);
    await group.failover();
    const promoted = await group.master();
    await queueOf(promoted.client(), 'waited', 1);
    expect(waiter.settled).toBe(false);
    const released = watch(lock.release());
    await until(() => released.settled, { what: 'it is released' });
    expect(released.value).toBe('released');
    await until(() => waiter.settled, { what: 'it is given' });
    expect(waiter.value!.fencingToken).toBeGreaterThan(lock.fencingToken);
    expect(await waiter.value!.release()).toBe('released');
  });

  it('are told as lost before their ttl ends when no failover comes in time', async () => {
    const { locks } = await replica();
    const lock = await locks.acquire('short', { ttl: 600 });
    const old = await group.killMaster();
    await until(() => lock.signal.aborted, { what: 'the signal aborts' });
    expect(lossOf(lock)).toMatchObject({ reason: 'deadline' });
    const promoted = await replaced(old);
    const { lock: next } = await insist(locks, 'short');
    expect(next.fencingToken).toBeGreaterThan(lock.fencingToken);
    await next.release();
    await until(async () => !(await promoted.client().exists(leaseKey('short'))), {
      what: 'nothing is left of attempts that failed',
      timeoutMs: 15_000,
    });
  });
});

describe('locks on a Sentinel group whose master crashes with its last writes', () => {
  beforeAll(startGroup);
  afterAll(() => group.stop());

  it('never see a token go back, and tell the former holder', async () => {
    const { locks } = await replica();
    const contender = await replica();
    const seed = await locks.acquire('{t}:seed');
    await seed.release();
    const master = await group.master();
    await replicated(master);

    // What is sent to a stopped replica waits in its socket and would be read after all; so the
    // master must hang up on them as well, and they cannot call back.
    const replicas = await group.replicas();
    for (const one of replicas) one.pause();
    const direct = master.client();
    expect(await direct.call('CLIENT', 'KILL', 'TYPE', 'replica')).toBe(2);
    const renewed = await locks.acquire('{t}:renewed', { ttl: LONG_TTL });
    const idle = await locks.acquire('{t}:idle', { ttl: '1 minute', renew: false });
    const tokens = [seed, renewed, idle].map((lock) => lock.fencingToken);
    for (let i = 0; i < 50; i++) {
      const lock = await locks.acquire('{t}:more');
      tokens.push(lock.fencingToken);
      await lock.release();
    }
    await master.kill();
    for (const one of replicas) one.resume();

    const insisting = insist(contender.locks, '{t}:idle');
    const promoted = await replaced(master);
    const { lock: successor, refusals } = await insisting;
    expect(refusals.length).toBeGreaterThan(0);
    expect(refusals.every((refusal) => refusal instanceof LockStoreError)).toBe(true);
    const client = promoted.client();
    // The writes were lost indeed: one counter of the tag is all the new master had inherited.
    expect(await leaseKeys(client)).toEqual(['lock:{t}:lease:{t}:idle']);

    expect(successor.fencingToken).toBeGreaterThan(Math.max(...tokens));
    expect(idle.isHeld).toBe(true); // no more than its tokens can tell, until it asks
    await expect(insistOnExtending(idle)).rejects.toMatchObject({ reason: 'taken-over' });
    expect(lossOf(idle)).toBeInstanceOf(LockLostError);
    await until(() => renewed.signal.aborted, { what: 'a renewal tells', timeoutMs: 20_000 });
    expect(lossOf(renewed)).toMatchObject({ reason: 'expired' });
    expect(await renewed.release()).toBe('expired');
    expect(await idle.release()).toBe('taken-over');

    expect(successor.isHeld).toBe(true);
    expect(await successor.release()).toBe('released');
    const { lock: last } = await insist(locks, '{t}:renewed');
    expect(last.fencingToken).toBeGreaterThan(successor.fencingToken);
    expect(await last.release()).toBe('released');
    await until(async () => (await leaseKeys(client)).length === 0, {
      what: 'nothing is left of attempts that failed',
      timeoutMs: 15_000,
    });
  });
});

/** Passing errors of the store aside. */
async function insistOnExtending(lock: Lock): Promise<void> {
  const extended = () =>
    lock.extend(LONG_TTL).then(
      () => true,
      (error: unknown) => {
        if (error instanceof LockStoreError) return false;
        throw error;
      },
    );
  await until(extended, { what: 'the store answers', timeoutMs: 20_000 });
}

describe('locks on a Sentinel group with a part that hangs', () => {
  beforeAll(startGroup);
  afterAll(() => group.stop());

  it('are given although the first Sentinel does not answer', async () => {
    const [hanging] = group.sentinelServers;
    hanging!.pause();
    afterTest(() => hanging!.resume());
    const { locks } = await replica();
    const lock = await locks.acquire('beside a hanging sentinel');
    expect(await lock.release()).toBe('released');
  });

  it('are given again after the master that hangs was replaced', async () => {
    const { locks } = await replica();
    const lock = await locks.acquire('hanging', { ttl: LONG_TTL });
    const old = await group.master();
    await replicated(old);
    old.pause();
    afterTest(() => old.resume());
    const promoted = await replaced(old);
    const { lock: other } = await insist(locks, 'other');
    await insistOnExtending(lock);
    expect(await leaseKeys(promoted.client())).toHaveLength(2);
    expect(await lock.release()).toBe('released');
    expect(await other.release()).toBe('released');
  });

  it('let the application close while nothing can be reached', async () => {
    const { app, locks } = await replica({ drainTimeout: 100 });
    const lock = await locks.acquire('at close', { ttl: LONG_TTL });
    for (const server of [...group.sentinelServers, ...group.servers]) server.pause();
    afterTest(() => {
      for (const server of [...group.sentinelServers, ...group.servers]) server.resume();
    });
    const acquiring = watch(locks.acquire('never', { wait: '1 minute' }));
    const closing = watch(app.close());
    await until(() => closing.settled, { what: 'it is closed', timeoutMs: 600 + SLACK_MS });
    expect(closing.error).toBeUndefined();
    expect(lossOf(lock)).toMatchObject({ reason: 'shutdown' });
    expect(acquiring.error).toMatchObject({ code: 'LOCK_DRAINING' });
  });
});

describe('a connection to a master that has become a replica', () => {
  it('is left with the first write that is refused', async () => {
    const [server, next] = [await RedisServer.start(), await RedisServer.start()];
    afterTest(() => Promise.all([server.stop(), next.stop()]));
    const { locks } = await replica({ redis: server.url });
    const direct = server.client();
    const connection = async () => {
      const clients = String(await direct.call('CLIENT', 'LIST', 'TYPE', 'normal'));
      return /^id=(\d+) .*name=nestjs-locker /m.exec(clients)?.[1];
    };
    const before = await connection();
    expect(before).toBeDefined();
    await direct.replicaof(next.host, next.port);
    await expect(locks.acquire('demoted')).rejects.toThrow(/READONLY/);
    await until(async () => ![before, undefined].includes(await connection()), {
      what: 'there is another connection',
    });
    await direct.replicaof('NO', 'ONE');
    const { lock } = await insist(locks, 'demoted');
    expect(await lock.release()).toBe('released');
  });
});
