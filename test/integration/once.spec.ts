import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { Redis } from 'ioredis';
import {
  FingerprintError,
  type LockEvent,
  LockOptionsError,
  LockReentryError,
  type LockService,
  LockTimeoutError,
  type OnceOptions,
  OutcomeUnknownError,
  ResultNotStoredError,
} from 'nestjs-locker';
import { Deferred, errorOf, eventsOf, lockService, watch } from '../support/lock-service.js';
import { queueOf, remains } from '../support/queue.js';
import { RedisServer } from '../support/redis-server.js';
import { until } from '../support/until.js';

jest.setTimeout(60_000);

const NAME = 'invoice:42';
const LONG = { ttl: '10 minutes' } as const;
const STORED = { ...LONG, storeResult: true } as const;
const WAITS = { ...LONG, wait: Infinity } as const;

let server: RedisServer;
let direct: Redis;
let locks: LockService;
let others: LockService;
let events: LockEvent[];
beforeAll(async () => {
  server = await RedisServer.start();
  direct = server.client();
});
afterAll(() => server.stop());
beforeEach(async () => {
  await direct.flushall();
  locks = await lockService({ redis: server.url });
  others = await lockService({ redis: server.url });
  events = eventsOf(others);
});

const stateOf = async (name = NAME) => (await others.outcomes.of(name))?.state ?? 'open';
const never = () => Promise.reject(new Error('it was not to run'));
/** Begins it and loses its lock, as a process does that dies; tells how to end the work. */
async function begin(options: OnceOptions<unknown> = LONG) {
  const work = new Deferred<unknown>();
  const call = watch(locks.once(NAME, () => work.promise, options));
  await until(async () => (await stateOf()) === 'running', { what: 'it is running' });
  const end = async (result?: unknown) => {
    work.resolve(result);
    await until(() => call.settled, { what: 'it has ended' });
  };
  return { work, call, end };
}

describe('what is done once', () => {
  it('is done, and not done again by anybody', async () => {
    const done = await locks.once(NAME, async ({ fencingToken }) => `done ${fencingToken}`, LONG);
    expect(done).toEqual({ status: 'executed', result: expect.stringMatching(/^done \d+$/) });
    for (const service of [locks, others]) {
      const again = await service.once(NAME, never, LONG);
      expect(again).toEqual({ status: 'replayed', result: undefined });
    }
    const { holder } = (await others.outcomes.of(NAME))!.attempts[0]!;
    expect(events).toEqual([
      { type: 'skipped', name: NAME, reason: 'processed', holder, isMissed: false },
    ]);
    expect(await locks.inspect(NAME)).toBeNull();
  });

  it('is open again after a throw, and nothing of it is left behind', async () => {
    const own = new Error('mine');
    expect(await errorOf(locks.once(NAME, () => Promise.reject(own), STORED))).toBe(own);
    expect(await remains(direct)).toEqual([]);
    expect(await others.once(NAME, () => 'done', LONG)).toMatchObject({ status: 'executed' });
  });

  it('is refused under a lock of the same name, and its own lock is not detached', async () => {
    const call = locks.withLock(NAME, () => locks.once(NAME, never));
    expect(await errorOf(call)).toBeInstanceOf(LockReentryError);
    const nested = locks.once(NAME, () => locks.once(NAME, never));
    expect(await errorOf(nested)).toBeInstanceOf(LockReentryError);
    expect(await stateOf()).toBe('open');
    const detached = locks.once(NAME, async (lock) => {
      expect(() => lock.detach()).toThrow(LockOptionsError);
      expect(lock.isHeld).toBe(true);
      // Whoever only wants the lock of the same context gets it.
      return locks.withLock(NAME, (joined) => joined.fencingToken === lock.fencingToken);
    });
    expect(await detached).toEqual({ status: 'executed', result: true });
    expect(await stateOf()).toBe('processed');
  });

  it('is forgotten when its retention is over', async () => {
    await locks.once(NAME, () => 'done', { retention: 100, ...LONG });
    await until(async () => (await stateOf()) === 'open', { what: 'it is forgotten' });
    expect(await others.once(NAME, () => 'again', LONG)).toMatchObject({ status: 'executed' });
  });

  it('is done once for each of 200 names by several processes that race for them', async () => {
    const services = [locks, others, await lockService({ redis: server.url })];
    const names = Array.from({ length: 200 }, (_, i) => `invoice:${i}`);
    const done: string[] = [];
    const failed = new Set<string>();
    const work = (name: string) => async () => {
      // The first try of every tenth fails, so that it is free for the next.
      if (name.endsWith('7') && !failed.has(name)) {
        failed.add(name);
        throw new Error('mine');
      }
      done.push(name);
      return name;
    };
    const calls = await Promise.allSettled(
      services.flatMap((service) =>
        names.map((name) => service.once(name, work(name), { ...STORED, wait: '1 minute' })),
      ),
    );
    expect(done.sort()).toEqual(names.toSorted());
    expect(failed.size).toBe(20);
    const told = calls.map((call) => (call.status === 'fulfilled' ? call.value : undefined));
    expect(told.filter((each) => each?.status === 'executed')).toHaveLength(names.length);
    expect(told.filter((each) => each === undefined)).toHaveLength(failed.size);
    const wrong = told.filter((each, i) => each && each.result !== names[i % names.length]);
    expect(wrong).toEqual([]);
  });
});

describe('whoever comes while it is being done', () => {
  it.each([
    ['succeeds', 'replayed', 'the first'],
    ['fails', 'executed', 'the second'],
  ])('waits, and does what is left to do when that %s', async (how, status, result) => {
    const { work, call } = await begin(STORED);
    const waiters = [0, 1, 2].map(() =>
      watch(others.once(NAME, () => 'the second', { ...STORED, ...WAITS })),
    );
    await queueOf(direct, NAME, waiters.length);
    if (how === 'fails') work.reject(new Error('mine'));
    else work.resolve('the first');
    await until(() => waiters.every(({ settled }) => settled), { what: 'they are told' });
    const told = waiters.map(({ value }) => value);
    expect(told).toContainEqual({ status, result });
    const replayed = told.filter((each) => each?.status === 'replayed');
    expect(replayed).toHaveLength(how === 'fails' ? 2 : 3);
    for (const each of replayed) expect(each!.result).toBe(result);
    expect(call.settled).toBe(true);
    expect(await remains(direct)).toEqual([
      expect.stringContaining(':outcome:'),
      expect.stringContaining(':processed:'),
    ]);
  });

  it('waits no longer than it wants to, and leaves it alone', async () => {
    const { end, call } = await begin();
    const error = await errorOf(others.once(NAME, never, { ...LONG, wait: 50 }));
    expect(error).toBeInstanceOf(LockTimeoutError);
    expect(await errorOf(others.once(NAME, never, { wait: 0 }))).toMatchObject({
      code: 'LOCK_BUSY',
    });
    expect(await stateOf()).toBe('running');
    await end('done');
    expect(call.value).toMatchObject({ status: 'executed' });
  });

  it('is refused with "hold" once who was at it has lost its lock', async () => {
    const { end, call } = await begin();
    const waiter = watch(others.once(NAME, never, { ...WAITS, onUnknown: 'hold' }));
    await queueOf(direct, NAME, 1);
    await others.forceRelease(NAME);
    await until(() => waiter.settled, { what: 'it is refused' });
    expect(waiter.error).toBeInstanceOf(OutcomeUnknownError);
    expect(waiter.error).toMatchObject({ record: { name: NAME, state: 'unknown' } });
    expect(await locks.inspect(NAME)).toBeNull();
    await end('done');
    expect(call.error).toMatchObject({ code: 'LOCK_LOST', result: 'done' });
  });
});

describe('the result of what is done once', () => {
  const results: [string, unknown][] = [
    ['undefined', undefined],
    ['null', null],
    ['an object', { receipt: 7, lines: ['ü🔒', '"', '\0', '\r\n'] }],
    ['an empty text', ''],
    ['0', 0],
    ['false', false],
  ];

  it.each(results)('is replayed if it is stored, and not otherwise (%s)', async (_what, result) => {
    expect(await locks.once(NAME, () => result, STORED)).toEqual({ status: 'executed', result });
    expect(await others.once(NAME, never, STORED)).toEqual({ status: 'replayed', result });
    const unread = { status: 'replayed', result: undefined };
    expect(await others.once(NAME, never, LONG)).toEqual(unread);
    await locks.once('invoice:43', () => result, LONG);
    expect(await others.once('invoice:43', never, STORED)).toEqual(unread);
  });

  it.each<[string, unknown, OnceOptions<unknown>]>([
    ['a BigInt', 42n, STORED],
    ['a function', () => 'a', STORED],
    ['what is too large', 'ü'.repeat(40_000), STORED],
    ['what is too large for them', 'four', { ...LONG, storeResult: { maxBytes: 5 } }],
  ])(
    'that cannot be stored fails the call, but is done all the same: %s',
    async (_, result, options) => {
      const error = await errorOf(locks.once(NAME, () => result, options));
      expect(error).toBeInstanceOf(ResultNotStoredError);
      expect((error as ResultNotStoredError).result).toBe(result);
      expect(await stateOf()).toBe('processed');
      expect(await locks.inspect(NAME)).toBeNull();
      const again = (await errorOf(others.once(NAME, never, options))) as ResultNotStoredError;
      expect(again).toBeInstanceOf(ResultNotStoredError);
      expect(again.result).toBeUndefined();
      const unread = { status: 'replayed', result: undefined };
      expect(await others.once(NAME, never, LONG)).toEqual(unread);
    },
  );

  it('is stored up to the bytes that are allowed', async () => {
    const options = { ...LONG, storeResult: { maxBytes: 6 } };
    expect(await locks.once(NAME, () => 'four', options)).toMatchObject({ result: 'four' });
    expect(await others.once(NAME, never, options)).toMatchObject({ result: 'four' });
  });
});

describe('the same name with other arguments', () => {
  const with1 = { ...LONG, fingerprint: { amount: '1.00', to: 'A' } };
  const with2 = { ...LONG, fingerprint: { amount: '2.00', to: 'A' } };
  const same = { ...LONG, fingerprint: { to: 'A', amount: '1.00' } };

  it('is an error, whether it is running, unknown or processed', async () => {
    const { end } = await begin(with1);
    const expectMismatch = async () => {
      for (const onUnknown of ['retry', 'hold'] as const) {
        const error = await errorOf(others.once(NAME, never, { ...with2, wait: '1s', onUnknown }));
        expect(error).toBeInstanceOf(FingerprintError);
        expect(error).toMatchObject({ lockName: NAME, record: { state: await stateOf() } });
      }
    };
    expect(await stateOf()).toBe('running');
    await expectMismatch();
    await others.forceRelease(NAME);
    expect(await stateOf()).toBe('unknown');
    await expectMismatch();
    await end();
    expect(await stateOf()).toBe('processed');
    await expectMismatch();
    expect(await others.once(NAME, never, same)).toMatchObject({ status: 'replayed' });
    expect(await others.once(NAME, never, LONG)).toMatchObject({ status: 'replayed' });
  });
});
