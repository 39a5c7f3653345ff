import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import { LockLostError, type LockService, LockStoreError, type OutcomeState } from 'nestjs-locker';
import {
  commonReportKeys,
  recordKeyOf,
  reportKeysOf,
  tagsKeyOf,
} from '../../lib/stores/redis/redis-keys.js';
import { leaseKey, lockKeys } from '../support/lease-end.js';
import { errorOf, lockService } from '../support/lock-service.js';
import { RedisServer } from '../support/redis-server.js';
import { until } from '../support/until.js';

const PREFIX = 'lock';

describe('one key that is damaged, or somebody else’s,', () => {
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
    locks = await lockService({ redis: server.url, reports: 100 });
  });

  /** Puts a list where Redis is to find something else. */
  const retype = async (key: string) => {
    await direct.del(key);
    await direct.lpush(key, 'x');
  };

  describe.each([
    ['is no JSON', (key: string) => direct.set(key, 'not json')],
    ['is no record', (key: string) => direct.set(key, '{"attempts":5}')],
    ['has another type', retype],
  ])('as an outcome that %s', (_what, damage) => {
    const damageOutcome = (name: string) => damage(recordKeyOf(PREFIX, name));
    const list = async (state?: OutcomeState) => {
      const names: string[] = [];
      for await (const { name } of locks.outcomes.list('invoice', state && { state })) {
        names.push(name);
      }
      return names.sort();
    };

    it('hides no others that are processed, and goes with them', async () => {
      for (const id of [1, 2, 3]) await locks.once(`invoice:${id}`, () => id);
      await damageOutcome('invoice:1');
      expect(await list()).toEqual(['invoice:2', 'invoice:3']);
      expect(await list('processed')).toEqual(['invoice:2', 'invoice:3']);
      expect(await errorOf(locks.outcomes.of('invoice:1'))).toBeInstanceOf(LockStoreError);
      expect(await errorOf(locks.once('invoice:1', () => 4))).toBeInstanceOf(LockStoreError);
      expect(await locks.once('invoice:2', () => 4)).toMatchObject({ status: 'replayed' });

      await locks.outcomes.clear('invoice', 'processed');
      expect(await direct.keys(recordKeyOf(PREFIX, '*').replace(/\{.*\}/, '*'))).toEqual([]);
      expect(await locks.outcomes.count('invoice')).toMatchObject({ processed: 0 });
      expect(await locks.once('invoice:1', () => 4)).toMatchObject({ status: 'executed' });
    });

    it('hides no others that are unknown', async () => {
      const lose = () => Promise.reject(new Error('no answer'));
      for (const name of ['invoice:1', 'invoice:2']) {
        const lost = locks.once(name, lose, { unknownIf: () => true, onUnknown: 'hold' });
        await expect(lost).rejects.toThrow('no answer');
      }
      await damageOutcome('invoice:1');
      expect(await locks.outcomes.count('invoice')).toMatchObject({ unknown: 1, running: 0 });
      expect(await list('unknown')).toEqual(['invoice:2']);
      await locks.outcomes.clear('invoice', 'unknown');
      expect(await locks.outcomes.of('invoice:1')).toBeNull();
    });
  });

  it.each(['damaged', '0 7', ''])('as the lease of one lock (%j) costs no other', async (text) => {
    const [damaged, other] = [
      await locks.acquire('a', { ttl: '1s' }),
      await locks.acquire('b', { ttl: '1s' }),
    ];
    const [owner] = await direct.hkeys(leaseKey('a'));
    await direct.hset(leaseKey('a'), owner!, text);
    await until(() => damaged.signal.aborted, { what: 'its loss is told' });
    expect(damaged.signal.reason).toBeInstanceOf(LockLostError);
    const deadline = () => performance.now() + other.remainingMs;
    const before = deadline();
    await until(() => deadline() > before + 50 || !other.isHeld, { what: 'the other is renewed' });
    expect(other.isHeld).toBe(true);
    expect(await other.release()).toBe('released');
  });

  it('as a counter of tokens that is no number costs nobody anything', async () => {
    const first = await locks.acquire('a');
    await first.release();
    await direct.set(lockKeys('a').tokenCounter, 'no number');
    // All in one command.
    const taken = await Promise.all(['b', 'a', 'c'].map((name) => locks.acquire(name)));
    expect(taken[1]!.fencingToken).toBeGreaterThan(first.fencingToken);
    expect(await Promise.all(taken.map((lock) => lock.release()))).toEqual(
      taken.map(() => 'released'),
    );
    await direct.set(lockKeys('a').tokenCounter, 'no number');
    const done = locks.once('a', (lock) => lock.fencingToken);
    expect((await done).result).toBeGreaterThan(taken[1]!.fencingToken);
  });

  it.each([
    ['fails', () => Promise.reject(new Error('no')), 'no', undefined],
    ['succeeds', () => Promise.resolve(7), 'done', 'processed'],
  ])('as the register of tags keeps nothing held that %s', async (_how, end, told, state) => {
    const name = '{eu}:invoice:1';
    const work = async () => {
      await retype(tagsKeyOf(PREFIX, 'invoice'));
      return end();
    };
    // For another time than that of what is begun: its tag would be told anew.
    const done = locks.once<unknown>(name, work, { retention: '1h', onUnknown: 'hold' });
    const ended = done.then(
      () => 'done',
      (error: Error) => error.message,
    );
    expect(await ended).toBe(told);
    expect(await locks.inspect(name)).toBeNull();
    expect((await locks.outcomes.of(name))?.state).toBe(state);
  });

  it('as the report of a process hides no others', async () => {
    await locks.acquire('a');
    const processes = () => locks.overview.processes();
    await until(async () => (await processes()).length === 1, { what: 'it is told' });
    await direct.zadd(commonReportKeys(PREFIX).processes, Date.now(), 'foreign');
    await retype(reportKeysOf(PREFIX, 'foreign').record);
    expect(await processes()).toHaveLength(1);
  });

  it.each(['queue', 'lease'] as const)('as the %s of a name hides no others', async (which) => {
    for (const name of ['a', 'b']) await locks.acquire(name);
    const held = async () => (await locks.overview.held()).names.map(({ name }) => name);
    await until(async () => (await held()).length === 2, { what: 'both are told' });
    await retype(lockKeys('a')[which]);
    expect(await held()).toEqual(['b']);
  });
});
