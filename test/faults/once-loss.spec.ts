import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { Redis } from 'ioredis';
import {
  Job,
  JobLockManager,
  LockDrainingError,
  type LockEvent,
  LockLostError,
  LockService,
} from 'nestjs-locker';
import { Child } from '../support/child-process.js';
import {
  Deferred,
  errorOf,
  eventsOf,
  lockApp,
  lockService,
  watch,
} from '../support/lock-service.js';
import { RedisServer } from '../support/redis-server.js';
import { until } from '../support/until.js';

jest.setTimeout(60_000);

const NAME = 'invoice:42';
const ID = '42';
const JOB = new Job({ name: 'invoice', ttl: '10 minutes', onUnknown: 'hold' });
const LONG = { ttl: '10 minutes' } as const;
const STORED = { ...LONG, storeResult: true } as const;

let server: RedisServer;
let direct: Redis;
/** Another process than the one that loses its lock. */
let others: LockService;
let events: LockEvent[];
beforeAll(async () => {
  server = await RedisServer.start();
  direct = server.client();
});
afterAll(() => server.stop());
beforeEach(async () => {
  await direct.flushall();
  others = await lockService({ redis: server.url });
  events = eventsOf(others);
});

const find = (name = NAME) => others.outcomes.of(name);
const stateIs = (state: string, name = NAME) =>
  until(async () => (await find(name))?.state === state, { what: `it is ${state}` });
const attempts = async (name = NAME) => (await find(name))?.attempts.map(({ outcome }) => outcome);
const processedIn = (told: readonly LockEvent[]) =>
  told.flatMap((event) => (event.type === 'processed' ? { isLate: event.isLate } : []));
const again = (work: () => unknown = () => ({ by: 'the successor' }), name = NAME) =>
  others.once(name, work, { ...STORED, onUnknown: 'retry' });

describe('a process that is stopped past its leases', () => {
  const TTL = 500;
  const MANAGED = 'invoice:43';
  const BOTH = [NAME, MANAGED];
  let late: Child;
  beforeEach(async () => {
    const program = new URL('./fixtures/does-once.ts', import.meta.url);
    late = Child.start(program, server.url, NAME, MANAGED, String(TTL));
    await late.told('working');
    late.signal('SIGSTOP');
    for (const name of BOTH) await stateIs('unknown', name);
  });

  type Ended = Record<string, { error?: string; events: unknown[] }>;
  const goOn = async (how: 'finish' | 'fail') => {
    late.write(`${how}\n`);
    late.signal('SIGCONT');
    const ended = await late.told<Ended>('ended');
    expect(await late.exit()).toEqual({ code: 0, errors: '' });
    return ended;
  };
  const expectLateSuccess = async () => {
    const ended = await goOn('finish');
    const result = { by: 'the late one' };
    const events = [{ type: 'acquired' }, { type: 'lost' }, { type: 'processed', isLate: true }];
    const loss = { error: 'LOCK_LOST', reason: 'deadline', result };
    expect(ended[NAME]).toEqual({ ...loss, events });
    expect(ended[MANAGED]).toEqual({ ...loss, events: [...events, 'expired'] });
  };
  /** Somebody who begins both anew, and ends when it is told to. */
  const successor = async () => {
    const work = new Deferred<object>();
    const calls = BOTH.map((name) => watch(again(() => work.promise, name)));
    for (const name of BOTH) await stateIs('running', name);
    const end = async () => {
      work.resolve({ by: 'the successor' });
      await until(() => calls.every(({ settled }) => settled), { what: 'the successor has ended' });
      return calls.map(({ value }) => value);
    };
    return { end, leases: await Promise.all(BOTH.map((name) => others.inspect(name))) };
  };

  it('has done it all the same, where nobody came: it is marked, and told as late', async () => {
    await expectLateSuccess();
    for (const name of BOTH) {
      expect(await find(name)).toMatchObject({ state: 'processed', processedAt: expect.any(Date) });
      expect(await attempts(name)).toEqual(['late']);
      const replayed = { status: 'replayed', result: { by: 'the late one' } };
      expect(await again(undefined, name)).toEqual(replayed);
    }
  });

  it('leaves a successor that is still at work its lock, and stands beside it', async () => {
    const { end, leases } = await successor();
    await expectLateSuccess();
    for (const [i, name] of BOTH.entries()) {
      expect(await attempts(name)).toEqual(['late', 'running']);
      expect(await find(name)).toMatchObject({ state: 'processed' });
      const { fencingToken } = leases[i]!;
      expect(await others.inspect(name)).toMatchObject({ fencingToken });
    }
    const executed = { status: 'executed', result: { by: 'the successor' } };
    expect(await end()).toEqual([executed, executed]);
    for (const name of BOTH) expect(await attempts(name)).toEqual(['late', 'processed']);
    expect(processedIn(events)).toEqual([{ isLate: false }, { isLate: false }]);
  });

  it('stands beside a successor that has finished before, whose result counts', async () => {
    for (const name of BOTH)
      expect(await again(undefined, name)).toMatchObject({ status: 'executed' });
    const records = await Promise.all(BOTH.map((name) => find(name)));
    for (const name of BOTH) expect(await attempts(name)).toEqual(['unknown', 'processed']);
    await expectLateSuccess();
    for (const [i, name] of BOTH.entries()) {
      expect(await attempts(name)).toEqual(['late', 'processed']);
      const { processedAt, result } = records[i]!;
      expect(await find(name)).toMatchObject({ state: 'processed', processedAt, result });
      const replayed = { status: 'replayed', result: { by: 'the successor' } };
      expect(await again(undefined, name)).toEqual(replayed);
    }
  });

  it('has done it where a successor has failed, which had left it open', async () => {
    const own = new Error('of the successor');
    for (const name of BOTH) {
      expect(await errorOf(again(() => Promise.reject(own), name))).toBe(own);
      expect(await find(name)).toBeNull();
    }
    await expectLateSuccess();
    for (const name of BOTH) {
      expect(await find(name)).toMatchObject({ state: 'processed' });
      expect(await attempts(name)).toEqual(['late']);
    }
  });

  it('opens nothing when it fails', async () => {
    const { end } = await successor();
    expect(await goOn('fail')).toMatchObject({
      [NAME]: { error: 'mine' },
      [MANAGED]: { error: 'mine', events: [{ type: 'acquired' }, { type: 'lost' }, 'expired'] },
    });
    for (const name of BOTH) {
      expect(await attempts(name)).toEqual(['unknown', 'running']);
      expect(await others.inspect(name)).not.toBeNull();
    }
    await end();
    for (const name of BOTH) expect(await attempts(name)).toEqual(['unknown', 'processed']);
  });
});

describe('what is done once, and loses its lock in the middle', () => {
  let locks: LockService;
  let told: LockEvent[];
  beforeEach(async () => {
    locks = await lockService({ redis: server.url });
    told = eventsOf(locks);
  });
  const losses: [string, () => Promise<unknown>, reason: string, left: unknown][] = [
    ['FLUSHALL', () => direct.flushall(), 'expired', undefined],
    ['forceRelease elsewhere', () => others.forceRelease(NAME), 'expired', ['unknown']],
    ['forceRelease here', () => locks.forceRelease(NAME), 'forced', ['unknown']],
  ];

  it.each(losses)('is late when it succeeds (%s)', async (_what, lose, reason, left) => {
    const work = async () => {
      await lose();
      expect(await attempts()).toEqual(left);
      return 'submitted';
    };
    const error = await errorOf(locks.once(NAME, work, LONG));
    expect(error).toBeInstanceOf(LockLostError);
    expect(error).toMatchObject({ reason, result: 'submitted' });
    expect(await find()).toMatchObject({ state: 'processed' });
    expect(await attempts()).toEqual(['late']);
    expect(processedIn(told)).toEqual([{ isLate: true }]);
    expect(await again()).toMatchObject({ status: 'replayed' });
  });

  it.each(losses)('stays what it was when it fails (%s)', async (_what, lose, reason, left) => {
    const own = new Error('mine');
    const work = async () => {
      await lose();
      throw own;
    };
    expect(await errorOf(locks.once(NAME, work, LONG))).toBe(own);
    expect(told).toContainEqual(expect.objectContaining({ type: 'lost', reason }));
    // Nobody here knew of the loss when it was told that it has failed: then it is open.
    expect(await attempts()).toEqual(reason === 'forced' ? left : undefined);
    expect(processedIn(told)).toEqual([]);
  });

  it('leaves who began anew after a FLUSHALL alone', async () => {
    const work = async () => {
      await direct.flushall();
      const manager = (await lockApp({ redis: server.url })).get(JobLockManager);
      expect(await manager.lock(JOB, ID)).toBe(true);
    };
    expect(await errorOf(locks.once(NAME, work, LONG))).toMatchObject({ reason: 'taken-over' });
    expect(await find()).toMatchObject({ state: 'processed' });
    expect((await attempts())!.sort()).toEqual(['late', 'running']);
    expect(await others.inspect(NAME)).not.toBeNull();
  });
});

describe('what is done once when the application closes', () => {
  it('is unknown where drainTimeout passes first, and told as lost', async () => {
    const app = await lockApp({ redis: server.url, drainTimeout: 50 });
    const work = new Deferred<string>();
    const call = watch(app.get(LockService).once(NAME, () => work.promise, LONG));
    const manager = app.get(JobLockManager);
    expect(await manager.lock(JOB, '43')).toBe(true);
    await stateIs('running');
    await app.close();
    for (const name of [NAME, 'invoice:43']) {
      expect(await others.outcomes.of(name)).toMatchObject({ state: 'unknown' });
      expect(await others.inspect(name)).toBeNull();
    }
    work.resolve('submitted');
    await until(() => call.settled, { what: 'the work has ended' });
    expect(call.error).toMatchObject({ reason: 'shutdown', result: 'submitted' });
    expect(await manager.unlock(JOB, '43')).toBe('expired');
    // It could not tell any more.
    expect(await others.outcomes.count('invoice')).toMatchObject({ unknown: 2, processed: 0 });
  });

  it('is processed where it ends within drainTimeout', async () => {
    const app = await lockApp({ redis: server.url, drainTimeout: '20s' });
    const work = new Deferred<string>();
    const call = watch(app.get(LockService).once(NAME, () => work.promise, LONG));
    await stateIs('running');
    const closing = watch(app.close());
    await until(
      async () => (await errorOf(app.get(LockService).acquire('a'))) instanceof LockDrainingError,
      { what: 'it is closing' },
    );
    expect(await attempts()).toEqual(['running']);
    work.resolve('submitted');
    await until(() => closing.settled, { what: 'it is closed' });
    expect(call.value).toEqual({ status: 'executed', result: 'submitted' });
    expect(await attempts()).toEqual(['processed']);
  });
});
