import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { Redis } from 'ioredis';
import { Job, JobLockManager, type LockEvent, LockReleasedError, LockService } from 'nestjs-locker';
import { errorOf, eventsOf, lockApp } from '../support/lock-service.js';
import { remains } from '../support/queue.js';
import { RedisServer } from '../support/redis-server.js';
import { until } from '../support/until.js';

jest.setTimeout(60_000);

interface Invoice {
  readonly id: number;
}

const LONG = { ttl: '10 minutes' } as const;
const JOB = new Job<Invoice>({ name: 'invoice', ...LONG, onUnknown: 'hold' });
const RETRIED = new Job<Invoice>({ name: 'invoice', ...LONG, onUnknown: 'retry' });
const INVOICE: Invoice = { id: 42 };
const NAME = 'invoice:42';

let server: RedisServer;
let direct: Redis;
let locks: LockService;
let mine: JobLockManager;
let others: JobLockManager;
let events: LockEvent[];
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
  events = eventsOf(locks);
});

const told = (type: LockEvent['type']) => events.filter((event) => event.type === type);
const stateOf = async (invoice = INVOICE, manager = others) =>
  (await manager.outcome(JOB, invoice))?.state ?? 'open';
const attemptsOf = async (invoice = INVOICE) =>
  (await others.outcome(JOB, invoice))?.attempts.map(({ outcome }) => outcome);
/** Begins it and loses its lock, as a process does that dies. */
async function leaveUnknown(invoice = INVOICE, job = JOB): Promise<void> {
  expect(await mine.lock(job, invoice)).toBe(true);
  await locks.forceRelease(job.nameOf(invoice));
  expect(await mine.unlock(job, invoice)).toBe('expired');
}
async function process(invoice = INVOICE): Promise<void> {
  expect(await mine.lock(JOB, invoice)).toBe(true);
  await mine.successfullyProcessed(JOB, invoice);
}

describe('an element that is open', () => {
  it('is locked by one, running, and nobody else’s meanwhile, not even of the same process', async () => {
    expect(await stateOf()).toBe('open');
    expect(await mine.lock(JOB, INVOICE)).toBe(true);
    expect(await stateOf()).toBe('running');
    for (const manager of [mine, others]) expect(await manager.lock(JOB, { id: 42 })).toBe(false);
    const lock = mine.lockOf(JOB, INVOICE)!;
    expect(lock).toMatchObject({ name: NAME, isHeld: true });
    expect(others.lockOf(JOB, INVOICE)).toBeUndefined();
    expect(await others.outcome(JOB, INVOICE)).toMatchObject({
      name: NAME,
      job: 'invoice',
      attempts: [{ fencingToken: lock.fencingToken, outcome: 'running' }],
      processedAt: null,
    });
    expect(told('skipped')).toEqual([]);
  });

  it('is open again after unlock, and nothing is left behind', async () => {
    expect(await mine.lock(JOB, INVOICE)).toBe(true);
    expect(await mine.unlock(JOB, INVOICE)).toBe('released');
    expect(await mine.unlock(JOB, INVOICE)).toBe('expired'); // it is at it no more
    expect(mine.lockOf(JOB, INVOICE)).toBeUndefined();
    expect(await stateOf()).toBe('open');
    expect(await remains(direct)).toEqual([]);
    expect(await others.lock(JOB, INVOICE)).toBe(true);
  });

  it('is processed once that is told, and never locked again', async () => {
    await process();
    expect(await mine.unlock(JOB, INVOICE)).toBe('expired');
    expect(await stateOf()).toBe('processed');
    for (const manager of [mine, others]) {
      for (const job of [JOB, RETRIED]) expect(await manager.lock(job, INVOICE)).toBe(false);
    }
    expect(await locks.inspect(NAME)).toBeNull();
    const { attempts, expiresAt } = (await others.outcome(JOB, INVOICE))!;
    expect(attempts).toMatchObject([{ outcome: 'processed' }]);
    const inThirtyDays = Date.now() + 30 * 86_400_000;
    expect(Math.abs(expiresAt!.getTime() - inThirtyDays)).toBeLessThan(60_000);
    const { fencingToken } = attempts[0]!;
    const marked = { type: 'processed', name: NAME, job: 'invoice', fencingToken, isLate: false };
    expect(told('processed')).toEqual([marked]);
  });

  it('is told by nobody who is not at it', async () => {
    expect(await mine.lock(JOB, INVOICE)).toBe(true);
    expect(await errorOf(others.successfullyProcessed(JOB, INVOICE))).toBeInstanceOf(
      LockReleasedError,
    );
    expect(await others.unlock(JOB, INVOICE)).toBe('expired');
    expect(await stateOf()).toBe('running');
    await mine.successfullyProcessed(JOB, INVOICE);
    expect(await errorOf(mine.successfullyProcessed(JOB, INVOICE))).toBeInstanceOf(
      LockReleasedError,
    );
  });

  it('has no say about the elements of another job', async () => {
    await process();
    const receipts = new Job<Invoice>({ name: 'receipt', ...LONG });
    expect(await others.lock(receipts, INVOICE)).toBe(true);
    expect(await others.count(receipts)).toEqual({ running: 1, unknown: 0, processed: 0 });
    expect(await others.count(JOB)).toEqual({ running: 0, unknown: 0, processed: 1 });
  });
});

describe('an element of which nobody knows whether it was done', () => {
  it('stays this process’s until that is done with it, though its lock is lost', async () => {
    expect(await mine.lock(JOB, INVOICE)).toBe(true);
    await locks.forceRelease(NAME);
    expect(mine.lockOf(JOB, INVOICE)).toMatchObject({ isHeld: false });
    expect(await stateOf()).toBe('unknown');
    expect(await mine.lock(RETRIED, INVOICE)).toBe(false);
    expect(await mine.unlock(RETRIED, INVOICE)).toBe('expired');
    expect(await mine.lock(RETRIED, INVOICE)).toBe(true);
    expect(await attemptsOf()).toEqual(['unknown', 'running']);
  });

  it('is locked by nobody with "hold", which is told', async () => {
    await leaveUnknown();
    for (const manager of [mine, others]) expect(await manager.lock(JOB, INVOICE)).toBe(false);
    expect(await mine.lockAll(JOB, [INVOICE])).toMatchObject({ granted: [], unknown: [INVOICE] });
    expect(await stateOf()).toBe('unknown');
    const record = await mine.outcome(JOB, INVOICE);
    const met = { type: 'outcome-unknown', name: NAME, job: 'invoice', record, decision: 'hold' };
    expect(told('outcome-unknown')).toEqual([met, met]);
  });

  it('begins anew with "retry", and is then processed, or open, or unknown again', async () => {
    for (const id of [1, 2, 3]) await leaveUnknown({ id });
    for (const id of [1, 2, 3]) expect(await mine.lock(RETRIED, { id })).toBe(true);
    await mine.successfullyProcessed(RETRIED, { id: 1 });
    await mine.unlock(RETRIED, { id: 2 });
    await locks.forceRelease('invoice:3');
    expect(await attemptsOf({ id: 1 })).toEqual(['unknown', 'processed']);
    expect(await stateOf({ id: 2 })).toBe('open');
    expect(await attemptsOf({ id: 3 })).toEqual(['unknown', 'unknown']);
    expect(await mine.count(JOB)).toEqual({ running: 0, unknown: 1, processed: 1 });
  });

  it('is resolved by decision, if somebody is not at it', async () => {
    for (const decision of ['processed', 'retry'] as const) {
      expect(await others.resolve(JOB, INVOICE, decision)).toBe(false);
    }
    await leaveUnknown();
    expect(await others.resolve(JOB, INVOICE, 'retry')).toBe(true);
    expect(await stateOf()).toBe('open');
    expect(await mine.lock(JOB, INVOICE)).toBe(true);
    expect(await errorOf(others.resolve(JOB, INVOICE, 'processed'))).toMatchObject({
      code: 'LOCK_BUSY',
    });
    await mine.unlock(JOB, INVOICE);
    await leaveUnknown();
    expect(await others.resolve(JOB, INVOICE, 'processed')).toBe(true);
    expect(await attemptsOf()).toEqual(['unknown', 'resolved']);
    expect(await mine.lock(RETRIED, INVOICE)).toBe(false);
    expect(await others.resolve(JOB, INVOICE, 'retry')).toBe(false); // it is not unknown
    expect(await stateOf()).toBe('processed');
  });

  describe('and about which a function decides', () => {
    const deciding = (onUnknown: ConstructorParameters<typeof Job<Invoice>>[0]['onUnknown']) =>
      new Job<Invoice>({ name: 'invoice', ...LONG, onUnknown: onUnknown! });

    it.each([
      ['retry', true, ['unknown', 'running']],
      ['hold', false, ['unknown']],
      ['processed', false, ['unknown', 'resolved']],
    ] as const)('does what that says, under its lock (%s)', async (decision, isGranted, left) => {
      await leaveUnknown();
      const asked: unknown[] = [];
      const job = deciding(async ({ name, job: of, element, record }) => {
        asked.push({ name, job: of, element, state: record.state });
        expect(await others.lock(RETRIED, INVOICE)).toBe(false);
        expect(await stateOf()).toBe('unknown');
        return decision;
      });
      const invoice = { id: 42 };
      expect(await mine.lock(job, invoice)).toBe(isGranted);
      expect(asked).toEqual([{ name: NAME, job: 'invoice', element: invoice, state: 'unknown' }]);
      expect(await attemptsOf()).toEqual(left);
      if (!isGranted) {
        await until(async () => (await locks.inspect(NAME)) === null, { what: 'it is given back' });
      }
      expect(told('outcome-unknown')).toMatchObject([{ decision }]);
    });

    it('is as it was where that throws, or gives something else', async () => {
      await leaveUnknown();
      const own = new Error('no answer');
      expect(
        await errorOf(
          mine.lock(
            deciding(() => Promise.reject(own)),
            INVOICE,
          ),
        ),
      ).toBe(own);
      const wrong = mine.lock(deciding((() => 'maybe') as never), INVOICE);
      expect(await errorOf(wrong)).toMatchObject({ code: 'LOCK_OPTIONS' });
      await until(async () => (await locks.inspect(NAME)) === null, { what: 'it is given back' });
      expect(await attemptsOf()).toEqual(['unknown']);
      expect(told('outcome-unknown')).toEqual([]);
    });
  });
});
