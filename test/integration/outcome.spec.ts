import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { Redis } from 'ioredis';
import { type Lock, LockLostError, type LockService, LockStoreError } from 'nestjs-locker';
import { TestLockStore } from 'nestjs-locker/testing';
import { leaseIn } from '../support/lease-end.js';
import { errorOf, eventsOf, lockService, RecordingLogger } from '../support/lock-service.js';
import { RedisServer } from '../support/redis-server.js';
import { until } from '../support/until.js';

jest.setTimeout(20_000);

const NAME = 'invoice:42';

describe('the outcome of work under a lock, on a real Redis', () => {
  let server: RedisServer;
  let direct: Redis;
  let locks: LockService;
  beforeAll(async () => {
    server = await RedisServer.start();
    direct = server.client();
  });
  afterAll(() => server.stop());
  beforeEach(async () => {
    await direct.flushall();
    locks = await lockService({ redis: server.url });
  });

  const failures: [string, unknown, () => unknown][] = [
    ['an error thrown', new TypeError('mine'), () => undefined],
    ['no error at all', undefined, () => undefined],
    ['a text', 'a text', () => undefined],
    ['a frozen object without a prototype', Object.freeze(Object.create(null)), () => undefined],
  ];

  it.each(failures)(
    'is the very error of the work, thrown or rejected (%s)',
    async (_what, own) => {
      const thrown = locks.withLock(NAME, () => {
        throw own;
      });
      expect(await errorOf(thrown)).toBe(own);
      expect(await errorOf(locks.withLock(NAME, () => Promise.reject(own)))).toBe(own);
      expect(await locks.inspect(NAME)).toBeNull();
    },
  );

  it('is what the work returns, at once or later; the lock is given back before', async () => {
    const result = { id: 42 };
    expect(await locks.withLock(NAME, () => result)).toBe(result);
    expect(await locks.withLock(NAME, async () => result)).toBe(result);
    expect(await locks.withLock(NAME, () => undefined)).toBeUndefined();
    expect(await direct.keys('lock:*:lease:*')).toEqual([]);
  });

  it('is the loss, which carries the result, when the lease was gone at the end', async () => {
    const events = eventsOf(locks);
    const call = locks.withLock(NAME, async (lock) => {
      await direct.flushall();
      return `done under ${lock.fencingToken}`;
    });
    const error = (await errorOf(call)) as LockLostError;
    expect(error).toBeInstanceOf(LockLostError);
    expect(error).toMatchObject({ lockName: NAME, reason: 'expired' });
    expect(error.result).toBe(`done under ${error.fencingToken}`);
    expect(error.message).toContain('"result"');
    expect(events.map(({ type }) => type)).toEqual(['acquired', 'lost']);
  });

  it('is the loss, too, when somebody else holds the name at the end, and goes on holding it', async () => {
    const others = await lockService({ redis: server.url });
    let taken: Lock | undefined;
    const call = locks.withLock(NAME, async () => {
      await direct.flushall();
      taken = await others.acquire(NAME);
      return 'done';
    });
    expect(await errorOf(call)).toMatchObject({ reason: 'taken-over', result: 'done' });
    expect(await others.inspect(NAME)).toMatchObject({ fencingToken: taken!.fencingToken });
  });

  it('is the own error of the work even when the lease was gone at the end', async () => {
    const events = eventsOf(locks);
    const own = new Error('mine');
    const call = locks.withLock(NAME, async () => {
      await direct.flushall();
      throw own;
    });
    expect(await errorOf(call)).toBe(own);
    expect(events.map(({ type }) => type)).toEqual(['acquired', 'lost']);
  });

  it('is a success where the work gave the lock back itself', async () => {
    const call = locks.withLock(NAME, async (lock) => {
      expect(await lock.release()).toBe('released');
      return (await locks.inspect(NAME)) === null && 'done';
    });
    expect(await call).toBe('done');
  });
});

describe('the outcome of work under a lock, on a clock of the test', () => {
  let store: TestLockStore;
  let logger: RecordingLogger;
  let locks: LockService;
  beforeEach(async () => {
    store = new TestLockStore();
    logger = new RecordingLogger();
    locks = await lockService({ store, logger });
  });

  it('is a success when only the release failed, which an event tells', async () => {
    const events = eventsOf(locks);
    const error = new Error('connection lost');
    store.fail('release', { error });
    expect(await locks.withLock(NAME, () => 'done')).toBe('done');
    expect(events.map(({ type }) => type)).toEqual(['acquired', 'release-failed']);
    expect(events[1]).toMatchObject({ error: expect.any(LockStoreError), name: NAME });
    expect(events[1]).toMatchObject({ error: { cause: error } });
    expect(logger.lines.join()).toContain(`warn Releasing "${NAME}" failed`);
    // The release goes on in the background.
    await store.clock.advance('10s');
    expect(await leaseIn(store, NAME)).toBeNull();
  });

  it('is the own error of the work when the release failed, too', async () => {
    const own = new Error('mine');
    store.fail('release');
    expect(await errorOf(locks.withLock(NAME, () => Promise.reject(own)))).toBe(own);
  });

  it('is the loss when the lock was lost in the middle, at whatever the work then returns', async () => {
    const call = locks.withLock(NAME, async (lock) => {
      await store.forceLose(NAME);
      expect(lock.isHeld).toBe(false);
      expect(lock.signal.aborted).toBe(true);
      return lock.signal.reason as LockLostError;
    });
    const error = (await errorOf(call)) as LockLostError;
    expect(error).toMatchObject({ lockName: NAME, reason: 'taken-over' });
    expect(error.result).toBeInstanceOf(LockLostError);
    expect(error.cause).toBe(error.result);
  });

  it('is the loss itself where the work let that through', async () => {
    let reason: unknown;
    const call = locks.withLock(NAME, async (lock) => {
      await store.forceLose(NAME);
      reason = lock.signal.reason;
      lock.assertHeld();
    });
    expect(await errorOf(call)).toBe(reason);
    expect((reason as LockLostError).result).toBeUndefined();
  });

  it('tells a loss that happened after the process stood still', async () => {
    const call = locks.withLock(NAME, (lock) => {
      store.clock.freeze('31s');
      expect(lock.isHeld).toBe(false);
      return 'done';
    });
    expect(await errorOf(call)).toMatchObject({ reason: 'deadline', result: 'done' });
  });

  it('does not log contention as an error, and a loss as a warning', async () => {
    await store.busy('busy');
    await errorOf(locks.acquire('busy', { wait: 0 }));
    await errorOf(locks.withLock(NAME, () => store.forceLose(NAME)));
    expect(logger.lines.filter((line) => line.includes('"busy"'))).toEqual([
      expect.stringMatching(/^debug /),
    ]);
    const lines = () => logger.lines.filter((line) => line.includes(NAME));
    await until(() => lines().length === 2, { what: 'it is told who has it now' });
    expect(lines()).toEqual([
      expect.stringMatching(/^warn .*was lost/),
      expect.stringMatching(/^warn .*is held by somebody-else/),
    ]);
  });
});
