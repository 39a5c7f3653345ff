import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { Redis } from 'ioredis';
import { type LockModuleOptions, LockOptionsError, type LockService } from 'nestjs-locker';
import { ManualClock, TestLockStore, UnlockedStore } from 'nestjs-locker/testing';
import { afterTest, lockService, RecordingLogger, watch } from '../support/lock-service.js';
import { HOST, RedisServer } from '../support/redis-server.js';
import { until } from '../support/until.js';

const REPORTS = 'lock:reports:*';
const PROCESSES = 'lock:reports:processes';

describe('what a process tells of itself', () => {
  let server: RedisServer;
  let direct: Redis;
  beforeAll(async () => {
    server = await RedisServer.start();
    direct = server.client();
  });
  afterAll(() => server.stop());
  beforeEach(() => direct.flushall());

  const serviceOf = (options: LockModuleOptions & { logger?: RecordingLogger } = {}) =>
    lockService({ redis: server.url, reports: 100, ...options });

  const namesOf = async (locks: LockService): Promise<string[]> =>
    (await locks.overview.held()).names.map(({ name }) => name);

  const untilHeld = (locks: LockService, names: readonly string[]) =>
    until(async () => (await namesOf(locks)).join() === names.join(), {
      what: `it lists "${names.join()}"`,
      timeoutMs: 15_000,
    });

  /** The commands that the server takes until `work` is done, by name. */
  const commandsOf = async (work: () => Promise<unknown>): Promise<Record<string, number>> => {
    await direct.config('RESETSTAT');
    await work();
    const lines = (await direct.info('commandstats')).matchAll(/cmdstat_(\w+):calls=(\d+)/g);
    return Object.fromEntries([...lines].map(([, name, calls]) => [name, Number(calls)]));
  };

  it('is not told at once, and of locks that come and go it is never told', async () => {
    const locks = await serviceOf({ reports: '30s' });
    const calls = await commandsOf(async () => {
      for (let i = 0; i < 20; i++) await locks.withLock(`n:${i}`, () => undefined);
    });
    expect(await direct.keys(REPORTS)).toEqual([]);
    expect(Object.keys(calls)).not.toContain('zcard');
  });

  it('is a sign of life where nothing changes', async () => {
    const locks = await serviceOf();
    await locks.acquire('a');
    await untilHeld(locks, ['a']);
    let rounds = 0;
    const calls = await commandsOf(async () => {
      const [id] = await direct.zrange(PROCESSES, '0', '-1');
      const before = await direct.get(`lock:reports:{${id}}`);
      // Some periods pass, as a process tells that changes all the time.
      const other = await serviceOf();
      while (rounds < 3) {
        const acquired = ++rounds;
        await other.withLock('b', () => undefined);
        const hasTold = async () => {
          const processes = await other.overview.processes();
          return processes.some(({ counts }) => counts.acquired === acquired);
        };
        await until(hasTold, { what: 'the other has told', timeoutMs: 15_000 });
      }
      expect(await direct.get(`lock:reports:{${id}}`)).toBe(before);
    });
    // Of two that tell, one had nothing to tell; and both may have given a sign of life.
    expect(calls['set']).toBeGreaterThanOrEqual(3);
    expect(calls['zcard']).toBeLessThanOrEqual(calls['set']!);
  });

  it('is told as a whole again where the server has forgotten it', async () => {
    const locks = await serviceOf();
    for (const name of ['a', 'b', 'c']) await locks.acquire(name);
    await untilHeld(locks, ['a', 'b', 'c']);
    const [id] = await direct.zrange(PROCESSES, '0', '-1');
    const forgotten = [[`lock:reports:{${id}}:names`], await direct.keys(REPORTS)];
    for (const keys of forgotten) {
      await direct.del(...keys);
      expect(await namesOf(locks)).toEqual([]);
      await locks.withLock('d', () => undefined); // something to tell
      await untilHeld(locks, ['a', 'b', 'c']);
    }
  });

  it('goes on after an outage, which is told once, for those who look for it', async () => {
    const logger = new RecordingLogger();
    const own = await RedisServer.start();
    afterTest(() => own.stop());
    const locks = await lockService({ redis: own.url, reports: 100, logger, storeTimeout: 300 });
    const held = await locks.acquire('a', { ttl: '1 minute' });
    await untilHeld(locks, ['a']);
    await own.kill();
    await expect(held.release()).rejects.toThrow('could not release'); // which is worth telling
    const told = () => logger.lines.filter((line) => line.includes('could not be told'));
    await until(() => told().length > 0, { what: 'it is said', timeoutMs: 15_000 });
    await own.restart();
    const events = () => locks.overview.events().catch(() => []);
    await until(async () => (await events()).length > 0, { what: 'it tells', timeoutMs: 15_000 });
    expect(await events()).toMatchObject([{ type: 'release-failed', name: 'a' }]);
    expect(await locks.overview.processes()).toHaveLength(1);
    expect(told()).toHaveLength(1);
    expect(told()[0]).toMatch(/^debug Redis at .*no connection stands/);
  });

  it('is read in spite of what others have written there', async () => {
    const locks = await serviceOf();
    await locks.acquire('a', { ttl: '1 minute' });
    await untilHeld(locks, ['a']);
    await locks.overview.audit({ type: 'audit', text: 'It was looked at.' });
    const foreign = ['7', '{}', 'not json', '{"id":"x"}', '{"id":"x","process":{"service":"s"}}'];
    const { process } = (await locks.overview.processes())[0]!;
    foreign.push(JSON.stringify({ id: 'x', process, startedAt: 'now', reportedAt: 'now' }));
    foreign.push(JSON.stringify({ id: 'x', process, at: 'now', type: 'lost', text: 'x' }));
    for (const [i, text] of foreign.entries()) {
      await direct.zadd(PROCESSES, 1, `x${i}`);
      await direct.set(`lock:reports:{x${i}}`, text);
      await direct.xadd('lock:reports:events', '*', 'e', text);
    }
    expect(await locks.overview.processes()).toHaveLength(1);
    expect(await locks.overview.events()).toMatchObject([{ type: 'audit' }]);
    expect(await locks.overview.held()).toMatchObject({ total: 1, names: [{ name: 'a' }] });
  });

  it('does not keep an application from ending with a server that hangs', async () => {
    const own = await RedisServer.start();
    afterTest(() => own.stop());
    const locks = await lockService({ redis: own.url, reports: 100 });
    const acquired = async () => (await locks.overview.processes()).length === 1;
    await until(acquired, { what: 'it has told', timeoutMs: 15_000 });
    own.pause();
    const startedAt = performance.now();
    await locks.onModuleDestroy();
    await locks.onApplicationShutdown();
    own.resume();
    expect(performance.now() - startedAt).toBeLessThan(3_000);
  });

  it('may be forbidden, which is told once, with what to allow, and locks go on', async () => {
    await direct.call(
      'ACL',
      'SETUSER',
      'locker',
      'on',
      '>pw',
      '~*',
      '&*',
      '+@all',
      '-zremrangebyrank',
    );
    const logger = new RecordingLogger();
    const redis = { host: HOST, port: server.port, username: 'locker', password: 'pw' };
    const locks = await lockService({ redis, reports: 100, logger });
    const warned = () => logger.lines.filter((line) => line.startsWith('warn'));
    await until(() => warned().length > 0, { what: 'it is told', timeoutMs: 15_000 });
    expect(warned()[0]).toMatch(
      /^warn Redis at .* does not take what this process tells .*NOPERM.*Locks are not affected.*"reports" to false/,
    );
    await locks.withLock('a', () => undefined);
    await locks.forceRelease('a');
    expect(warned()).toHaveLength(1);
  });

  it('is nothing where it is switched off', async () => {
    const locks = await serviceOf({ reports: false });
    const other = await serviceOf();
    await locks.acquire('a');
    await other.acquire('b');
    await untilHeld(locks, ['b']);
    expect(await other.overview.processes()).toHaveLength(1);
  });

  it.each([
    ['soon', /"reports" is "soon"/],
    [99, /"reports" is 99/],
    ['2 hours', /"reports"/],
    [null, /"reports" is null/],
  ])('is not told every %j', async (reports, message) => {
    const error = lockService({ store: 'memory', reports: reports as never });
    await expect(error).rejects.toThrow(LockOptionsError);
    await expect(lockService({ store: 'memory', reports: reports as never })).rejects.toThrow(
      message,
    );
  });
});

describe('what a process in memory tells of itself', () => {
  it('is told when somebody asks, with no timer', async () => {
    const store = new TestLockStore();
    const { clock } = store;
    const setTimer = jest.spyOn(ManualClock.prototype, 'setTimer');
    const locks = await lockService({ store });
    await locks.acquire('a');
    await locks.acquire('b');
    expect((await locks.overview.held()).names).toEqual([]); // held for too short a time
    const timers = setTimer.mock.calls.length;
    await clock.advance('1s');
    expect((await locks.overview.held()).names).toMatchObject([{ name: 'a' }, { name: 'b' }]);
    expect(await locks.overview.processes()).toMatchObject([{ held: 2, counts: { acquired: 2 } }]);
    await locks.forceRelease('a');
    expect(await locks.overview.events()).toMatchObject([{ type: 'lost' }, { type: 'forced' }]);
    // Only the limits of what was asked.
    expect(setTimer.mock.calls.length - timers).toBeLessThan(10);
    setTimer.mockRestore();
  });

  it('has a queue', async () => {
    const store = new TestLockStore();
    const locks = await lockService({ store, service: 'billing' });
    await store.busy('a');
    const waiter = watch(locks.acquire('a'));
    await store.clock.advance('1s');
    expect(await locks.overview.queueOf({ name: 'a', kind: 'lock' })).toMatchObject([
      { holder: { service: 'billing' }, units: 0 },
    ]);
    expect(await locks.overview.processes()).toMatchObject([{ waiting: 1 }]);
    await store.clock.advance('10s');
    await until(() => waiter.settled, { what: 'it has waited long enough' });
    const [record] = await locks.overview.processes();
    expect(record!.waits.sumMs).toBe(5_000);
  });

  it('is nothing where the store takes no reports, which is said', async () => {
    const locks = await lockService({ store: new UnlockedStore() });
    await expect(locks.overview.held()).rejects.toThrow(/needs a store to which processes tell/);
    expect(await locks.overview.queueOf({ name: 'a', kind: 'lock' })).toEqual([]);
  });
});
