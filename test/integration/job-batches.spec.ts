import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { Redis } from 'ioredis';
import { Job, type JobBatch, JobLockManager } from 'nestjs-locker';
import { afterTest, lockApp, type Watched, watch } from '../support/lock-service.js';
import { scriptCalls } from '../support/queue.js';
import { ReplyGate } from '../support/reply-gate.js';
import { RedisServer } from '../support/redis-server.js';
import { until } from '../support/until.js';

jest.setTimeout(60_000);

/** How many elements one script call takes. */
const PER_CALL = 64;
/** Renewed too seldom to be counted here. */
const JOB = new Job<number>({ name: 'invoice', ttl: '10 minutes', onUnknown: 'hold' });

let server: RedisServer;
let direct: Redis;
let manager: JobLockManager;
beforeAll(async () => {
  server = await RedisServer.start();
  direct = server.client();
});
afterAll(() => server.stop());
beforeEach(async () => {
  await direct.flushall();
  manager = await managerOf(server.url);
});

async function managerOf(redis: string): Promise<JobLockManager> {
  const app = await lockApp({ redis, storeTimeout: '30s' });
  // What is held still need not be given back one by one.
  afterTest(() => direct.flushall());
  return app.get(JobLockManager);
}

const elements = (count: number, from = 1) => Array.from({ length: count }, (_, i) => from + i);
const batchOf = (part: Partial<JobBatch<number>>): JobBatch<number> => ({
  granted: [],
  busy: [],
  processed: [],
  unknown: [],
  failed: [],
  ...part,
});

/** Of how many script calls something consists; none is in full, since the server knows them. */
async function callsOf(task: () => Promise<unknown>): Promise<number> {
  await direct.config('RESETSTAT');
  await task();
  expect(await direct.info('commandstats')).not.toMatch(/cmdstat_eval:|cmdstat_script/);
  return scriptCalls(direct);
}

describe('elements that are locked together', () => {
  it('are 10,000 in at most so many script calls as 64 at a time make', async () => {
    const all = elements(10_000);
    let batch: JobBatch<number> | undefined;
    const calls = await callsOf(async () => (batch = await manager.lockAll(JOB, all)));
    expect(batch).toEqual(batchOf({ granted: all }));
    expect(calls).toBeLessThanOrEqual(Math.ceil(all.length / PER_CALL));
    expect(await manager.count(JOB)).toEqual({ running: all.length, unknown: 0, processed: 0 });
  });

  it.each([
    [1, 1],
    [PER_CALL, 1],
    [PER_CALL + 1, 2],
    [3 * PER_CALL, 3],
  ])('are %i in this many script calls: %i', async (count, calls) => {
    expect(await callsOf(() => manager.lockAll(JOB, elements(count)))).toBe(calls);
  });

  it('are one script call, too, where they are in different states', async () => {
    const others = await managerOf(server.url);
    await others.lockAll(JOB, elements(3));
    await others.successfullyProcessed(JOB, 2);
    await manager.lock(JOB, 4);
    let batch: JobBatch<number> | undefined;
    const calls = await callsOf(async () => {
      batch = await manager.lockAll(JOB, [...elements(6), ...elements(6)]);
    });
    expect(batch).toEqual(batchOf({ granted: [5, 6], busy: [1, 3, 4], processed: [2] }));
    expect(calls).toBe(1);
  });

  it('are no script call if they are none, or this process is at all of them', async () => {
    await manager.lockAll(JOB, elements(10));
    const busy = elements(10);
    expect(await callsOf(() => manager.lockAll(JOB, []))).toBe(0);
    expect(
      await callsOf(async () => {
        expect(await manager.lockAll(JOB, busy)).toEqual(batchOf({ busy }));
      }),
    ).toBe(0);
  });

  it('are marked and given back likewise', async () => {
    const all = elements(1_000);
    await manager.lockAll(JOB, all);
    const [marked, left] = [all.slice(0, 700), all.slice(700)];
    const marking = await callsOf(() =>
      Promise.all(marked.map((each) => manager.successfullyProcessed(JOB, each))),
    );
    expect(marking).toBeLessThanOrEqual(Math.ceil(marked.length / PER_CALL));
    const leaving = await callsOf(() =>
      Promise.all(
        left.map(async (each) => expect(await manager.unlock(JOB, each)).toBe('released')),
      ),
    );
    expect(leaving).toBeLessThanOrEqual(Math.ceil(left.length / PER_CALL));
    expect(await manager.lockAll(JOB, all)).toEqual(batchOf({ granted: left, processed: marked }));
  });
});

describe('a batch whose answers do not come', () => {
  const all = elements(1_000);
  let gate: ReplyGate;
  let far: JobLockManager;
  beforeEach(async () => {
    gate = await ReplyGate.start(server.port);
    afterTest(() => gate.stop());
    far = await managerOf(gate.url);
  });

  const isAskedInFull = async (calls: number, batch: Watched<unknown>) => {
    await until(async () => (await scriptCalls(direct)) === calls, { what: 'all has been asked' });
    expect(batch.settled).toBe(false);
  };

  it('is locked in one round trip: nothing of it waits for an answer', async () => {
    await direct.config('RESETSTAT');
    gate.hold();
    const batch = watch(far.lockAll(JOB, all));
    await isAskedInFull(Math.ceil(all.length / PER_CALL), batch);
    expect(await manager.lockAll(JOB, all)).toEqual(batchOf({ busy: all }));
    expect(await manager.count(JOB)).toMatchObject({ running: all.length });
    gate.letGo();
    await until(() => batch.settled, { what: 'it is answered' });
    expect(batch.value).toEqual(batchOf({ granted: all }));
  });

  it('is marked in one round trip', async () => {
    await far.lockAll(JOB, all);
    await direct.config('RESETSTAT');
    gate.hold();
    const marks = watch(Promise.all(all.map((each) => far.successfullyProcessed(JOB, each))));
    await isAskedInFull(Math.ceil(all.length / PER_CALL), marks);
    expect(await manager.lockAll(JOB, all)).toEqual(batchOf({ processed: all }));
    gate.letGo();
    await until(() => marks.settled, { what: 'it is answered' });
    expect(marks.error).toBeUndefined();
  });
});
