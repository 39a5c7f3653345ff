import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { Redis } from 'ioredis';
import {
  Job,
  JobLockManager,
  LockKeyError,
  LockOptionsError,
  LockService,
  LockStoreError,
  type OutcomeRecord,
} from 'nestjs-locker';
import { lockKeys } from '../support/lease-end.js';
import { errorOf, lockApp } from '../support/lock-service.js';
import { RedisServer } from '../support/redis-server.js';
import { until } from '../support/until.js';

jest.setTimeout(60_000);

interface Invoice {
  readonly id: number;
}

const LONG = { ttl: '10 minutes' } as const;
const JOB = new Job<Invoice>({ name: 'invoice', ...LONG, onUnknown: 'hold' });
const INVOICE: Invoice = { id: 42 };

let server: RedisServer;
let direct: Redis;
let locks: LockService;
let mine: JobLockManager;
let others: JobLockManager;
beforeAll(async () => {
  server = await RedisServer.start();
  direct = server.client();
});
afterAll(() => server.stop());
beforeEach(async () => {
  await direct.flushall();
  const app = await lockApp({ redis: server.url });
  [locks, mine] = [app.get(LockService), app.get(JobLockManager)];
  others = (await lockApp({ redis: server.url })).get(JobLockManager);
});

const stateOf = async (invoice = INVOICE) => (await others.outcome(JOB, invoice))?.state ?? 'open';
/** Begins it and loses its lock, as a process does that dies. */
async function leaveUnknown(invoice = INVOICE): Promise<void> {
  expect(await mine.lock(JOB, invoice)).toBe(true);
  await locks.forceRelease(JOB.nameOf(invoice));
  expect(await mine.unlock(JOB, invoice)).toBe('expired');
}
async function process(invoice = INVOICE): Promise<void> {
  expect(await mine.lock(JOB, invoice)).toBe(true);
  await mine.successfullyProcessed(JOB, invoice);
}
async function all(list: AsyncIterable<OutcomeRecord>): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of list) names.push(name);
  return names.sort();
}

describe('the elements of a job', () => {
  it('are listed, counted and cleared by their state', async () => {
    for (const id of [1, 2]) await process({ id });
    for (const id of [3, 4, 5]) await leaveUnknown({ id });
    expect(await mine.lock(JOB, { id: 6 })).toBe(true);
    expect(await others.count(JOB)).toEqual({ processed: 2, unknown: 3, running: 1 });
    const names = (...ids: number[]) => ids.map((id) => `invoice:${id}`);
    expect(await all(others.outcomes(JOB, { state: 'processed' }))).toEqual(names(1, 2));
    expect(await all(others.outcomes(JOB, { state: 'unknown' }))).toEqual(names(3, 4, 5));
    expect(await all(others.outcomes(JOB, { state: 'running' }))).toEqual(names(6));
    expect(await all(others.outcomes(JOB))).toEqual(names(1, 2, 3, 4, 5, 6));
    expect(await others.clear(JOB, 'unknown')).toBe(3);
    expect(await others.clear(JOB, 'processed')).toBe(2);
    expect(await all(others.outcomes(JOB))).toEqual(names(6));
    expect(await others.lock(JOB, { id: 1 })).toBe(true);
    expect(await others.lock(JOB, { id: 6 })).toBe(false);
    await mine.successfullyProcessed(JOB, { id: 6 });
  });

  it('are listed, too, where their names bring a hash tag of their own', async () => {
    const tagged = new Job<Invoice>({ name: 'billing:{eu}', ...LONG });
    expect(await mine.lock(tagged, { id: 1 })).toBe(true);
    expect(await mine.lock(tagged, { id: 2 })).toBe(true);
    await mine.successfullyProcessed(tagged, { id: 2 });
    const names = ['billing:{eu}:1', 'billing:{eu}:2'];
    expect(await all(others.outcomes(tagged))).toEqual(names);
    expect(await others.count(tagged)).toEqual({ running: 1, unknown: 0, processed: 1 });
    await locks.once('{t1}:x:1', () => 'done', LONG);
    await locks.once('y:{t2}', () => 'done', { ...LONG, job: 'x' });
    expect(await all(locks.outcomes.list('x'))).toEqual(['y:{t2}', '{t1}:x:1']);
    expect(await locks.outcomes.clear('x', 'processed')).toBe(2);
    expect(await locks.outcomes.count('x')).toMatchObject({ processed: 0 });
  });

  it('are forgotten when their retention is over, and not listed any more', async () => {
    const short = new Job<Invoice>({ name: 'invoice', retention: 100, ...LONG });
    expect(await mine.lock(short, INVOICE)).toBe(true);
    await mine.successfullyProcessed(short, INVOICE);
    await until(async () => (await stateOf()) === 'open', { what: 'it is forgotten' });
    expect(await all(others.outcomes(JOB))).toEqual([]);
    expect(await others.count(JOB)).toEqual({ running: 0, unknown: 0, processed: 0 });
    expect(await others.lock(JOB, INVOICE)).toBe(true);
  });

  it('without an id are refused before anything is asked', async () => {
    for (const wrong of [{ id: undefined }, { id: '' }, { id: {} }, undefined]) {
      const element = wrong as unknown as Invoice;
      expect(await errorOf(mine.lock(JOB, element))).toBeInstanceOf(LockKeyError);
      const batch = mine.lockAll(JOB, [INVOICE, element]);
      expect(await errorOf(batch)).toBeInstanceOf(LockKeyError);
    }
    expect(await stateOf()).toBe('open');
    expect(await others.lock(JOB, INVOICE)).toBe(true);
  });
});

describe('elements that are locked together', () => {
  const invoices = (...ids: number[]) => ids.map((id) => ({ id }));

  it('are told apart by their state, each once, in their order', async () => {
    await process({ id: 1 });
    await leaveUnknown({ id: 2 });
    expect(await others.lock(JOB, { id: 3 })).toBe(true);
    expect(await mine.lock(JOB, { id: 4 })).toBe(true);
    const asked = invoices(6, 1, 2, 5, 3, 6, 4, 1, 5);
    const batch = await mine.lockAll(JOB, asked);
    expect(batch).toEqual({
      granted: invoices(6, 5),
      busy: invoices(3, 4),
      processed: invoices(1),
      unknown: invoices(2),
      failed: [],
    });
    expect(batch.granted[0]).toBe(asked[0]); // the first of equal ones
    expect(await others.lockAll(JOB, asked)).toMatchObject({ granted: [] });
    for (const invoice of batch.granted) await mine.successfullyProcessed(JOB, invoice);
    expect(await others.lockAll(JOB, asked)).toMatchObject({ processed: invoices(6, 1, 5) });
  });

  it('are asked about one after the other; one of which that fails is left as it was', async () => {
    for (const id of [1, 2, 3]) await leaveUnknown({ id });
    const error = new Error('no answer');
    let [atOnce, most] = [0, 0];
    const asked: unknown[] = [];
    const onUnknown = async ({ name }: { name: string }) => {
      most = Math.max(most, ++atOnce);
      asked.push(name);
      await others.count(JOB);
      atOnce--;
      if (name === 'invoice:2') throw error;
      return 'retry' as const;
    };
    const deciding = new Job<Invoice>({ name: 'invoice', ...LONG, onUnknown });
    const batch = await mine.lockAll(deciding, invoices(1, 2, 3, 4));
    expect(batch).toMatchObject({ granted: invoices(1, 3, 4), busy: [], unknown: [] });
    expect(batch.failed).toEqual([{ element: { id: 2 }, error }]);
    expect({ most, asked }).toEqual({ most: 1, asked: ['invoice:1', 'invoice:2', 'invoice:3'] });
    const isFree = async () => (await locks.inspect('invoice:2')) === null;
    await until(isFree, { what: 'it is given back' });
    expect(await others.lockAll(JOB, invoices(1, 2, 3, 4))).toMatchObject({
      granted: [],
      busy: invoices(1, 3, 4),
      unknown: invoices(2),
    });
    expect(await mine.count(JOB)).toEqual({ running: 3, unknown: 1, processed: 0 });
  });

  it('are all given back if one of them cannot be asked for', async () => {
    // What stands in its place is somebody else's.
    await direct.rpush(lockKeys('invoice:3').lease, 'no lease');
    const error = await errorOf(mine.lockAll(JOB, invoices(1, 2, 3, 4)));
    expect(error).toBeInstanceOf(LockStoreError);
    await until(async () => (await others.count(JOB)).running === 0, { what: 'none is left' });
    expect(await others.lockAll(JOB, invoices(1, 2, 4))).toMatchObject({
      granted: invoices(1, 2, 4),
    });
  });

  it('are each done once by several processes that race for them', async () => {
    const elements = Array.from({ length: 200 }, (_, i) => ({ id: i + 1 }));
    const done: number[] = [];
    const managers = [mine, others];
    for (let i = 0; i < 2; i++) {
      managers.push((await lockApp({ redis: server.url })).get(JobLockManager));
    }
    const work = async (manager: JobLockManager, { id }: Invoice) => {
      done.push(id);
      if (id % 10 > 0) await manager.successfullyProcessed(JOB, { id });
      else if (done.filter((each) => each === id).length > 1) {
        await manager.successfullyProcessed(JOB, { id });
      } else await manager.unlock(JOB, { id }); // the first time it fails
    };
    await Promise.all(
      managers.map(async (manager, i) => {
        const asked = [...elements.slice(i * 37), ...elements.slice(0, i * 37)];
        for (let left = asked; left.length > 0;) {
          const { granted, busy, unknown } = await manager.lockAll(JOB, left.slice(0, 16));
          expect(unknown).toEqual([]);
          await Promise.all(granted.map((element) => work(manager, element)));
          left = [...left.slice(16), ...busy, ...granted.filter(({ id }) => id % 10 === 0)];
        }
      }),
    );
    const twice = elements.filter(({ id }) => id % 10 === 0);
    const expected = [...elements, ...twice].map(({ id }) => id).sort((a, b) => a - b);
    expect(done.sort((a, b) => a - b)).toEqual(expected);
    expect(await mine.count(JOB)).toEqual({ processed: 200, running: 0, unknown: 0 });
  });
});

describe('what is kept in Redis', () => {
  it('ends by itself with the retention, lists included', async () => {
    const job = new Job<Invoice>({ name: 'invoice', retention: '1 hour', ...LONG });
    const tagged = new Job<Invoice>({ name: 'invoice:{eu}', retention: '1 hour', ...LONG });
    for (const each of [job, tagged]) {
      for (const id of [1, 2]) expect(await mine.lock(each, { id })).toBe(true);
      await mine.successfullyProcessed(each, { id: 1 });
    }
    const keys = await direct.keys('*');
    for (const what of ['outcome', 'processed', 'begun', 'lease']) {
      expect(keys.filter((key) => key.includes(`:${what}:`)).length).toBeGreaterThanOrEqual(2);
    }
    for (const key of keys) {
      // Counters of fencing tokens must not go back, and the register of tags is one key of a job.
      if (/:tokens$|^lock:(tags|reports):/.test(key)) continue;
      const leftMs = await direct.pttl(key);
      expect(leftMs).toBeGreaterThan(0);
      expect(leftMs).toBeLessThan(2 * 3_600_000);
    }
  });

  it('stays for ever where that was asked for, or where nobody may begin anew', async () => {
    const forEver = new Job<Invoice>({ name: 'invoice', retention: Infinity, ...LONG });
    expect(await mine.lock(forEver, { id: 1 })).toBe(true);
    await mine.successfullyProcessed(forEver, { id: 1 });
    await leaveUnknown({ id: 2 }); // held back, by its job
    for (const id of [1, 2]) {
      expect(await others.outcome(JOB, { id })).toMatchObject({ expiresAt: null });
    }
    const kept = (await direct.keys('*')).filter((key) => /:(outcome|processed|begun):/.test(key));
    expect(kept).toHaveLength(4);
    for (const key of kept) expect([key, await direct.pttl(key)]).toEqual([key, -1]);
  });
});

it.each(['x', '{}', '{"after":1,"open":[]}', '{"after":"","open":[["a","x"]]}', 'null'])(
  'what goes on at %s, which no page has told, is refused as that',
  async (cursor) => {
    const error = await errorOf(locks.outcomes.page('invoice', 'processed', cursor));
    expect(error).toBeInstanceOf(LockOptionsError);
    expect((error as Error).message).toContain('write what the page before has given');
  },
);
