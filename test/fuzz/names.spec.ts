import assert from 'node:assert/strict';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Redis } from 'ioredis';
import { LockKeyError, type LockService } from 'nestjs-locker';
import { RedisServer } from '../support/redis-server.js';
import { lockService } from '../support/lock-service.js';
import { until } from '../support/until.js';
import { anyText, longText, nastyText, outcomeOf, runs } from './support/fuzzing.js';

const MOST_BYTES = 4_096;

let server: RedisServer;
let direct: Redis;
beforeAll(async () => {
  server = await RedisServer.start();
  direct = server.client();
});
afterAll(() => server.stop());

const name = fc.oneof(
  { weight: 6, arbitrary: nastyText(40) },
  { weight: 4, arbitrary: anyText(200) },
  { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 1_000 }) },
  { weight: 1, arbitrary: longText },
);
const isName = (text: string) =>
  text !== '' && !/\p{Surrogate}/u.test(text) && Buffer.byteLength(text) <= MOST_BYTES;

it('names of whatever characters are locked, looked at, listed and released, and leave nothing behind', async () => {
  const [ours, others] = await Promise.all([start(), start()]);
  const property = fc.asyncProperty(
    fc.uniqueArray(name, { minLength: 1, maxLength: 12 }),
    async (names) => {
      const outcomes = await Promise.all(names.map((each) => outcomeOf(() => ours.acquire(each))));
      for (const [index, { error }] of outcomes.entries()) {
        assert.equal(error?.name, isName(names[index]!) ? undefined : LockKeyError.name);
      }
      const held = outcomes.flatMap(({ value }) => (value ? [value] : []));
      expect(held.map((lock) => lock.name)).toEqual(names.filter(isName));
      for (const lock of held) {
        expect(await others.tryAcquire(lock.name)).toBeNull();
        expect(await others.inspect(lock.name)).toMatchObject({ fencingToken: lock.fencingToken });
        const semaphore = others.semaphore(lock.name, 2);
        await semaphore.withPermit(() => undefined);
      }
      await until(async () => (await listed(others)) === sorted(held.map((lock) => lock.name)), {
        what: 'all are listed',
      });
      for (const lock of held) expect(await lock.release()).toBe('released');
      expect(await keysOf(names)).toEqual([]);
    },
  );
  await fc.assert(property, runs(20));
  expect(await unbounded()).toEqual([]);
});

const start = () => lockService({ redis: server.url, reports: '100ms' });
const sorted = (names: readonly string[]) => JSON.stringify([...names].sort());

async function listed(locks: LockService): Promise<string> {
  const { names } = await locks.overview.held({ limit: 500 });
  return sorted(names.map((record) => record.name));
}

/** What is stored under one of the names. */
async function keysOf(names: readonly string[]): Promise<string[]> {
  const keys = await direct.keys('*');
  return keys.filter(
    (key) =>
      /:(?:permit-)?(?:lease|queue|waiters|outcome):/.test(key) ||
      names.some((each) => isName(each) && key.endsWith(`:${each}`)),
  );
}

/** What stays for ever: only the 256 counters of the buckets may. */
async function unbounded(): Promise<string[]> {
  const keys = await direct.keys('*');
  const ttls = await Promise.all(keys.map((key) => direct.pttl(key)));
  return keys.filter((key, index) => ttls[index] === -1 && !/^lock:\{\d{1,3}\}:tokens$/.test(key));
}
