import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { Redis } from 'ioredis';
import { Job, JobLockManager, type LockEvent, LockService, LockStoreError } from 'nestjs-locker';
import { afterTest, errorOf, eventsOf, lockApp, lockService } from '../support/lock-service.js';
import { HOST, RedisServer } from '../support/redis-server.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { until } from '../support/until.js';

jest.setTimeout(60_000);

const NAME = 'invoice:42';
const ID = '42';
const JOB = new Job({ name: 'invoice', ttl: '10 minutes', onUnknown: 'hold' });
const STORED = { ttl: '10 minutes', storeResult: true } as const;

let server: RedisServer;
let direct: Redis;
/** Whose connection is whole. */
let others: LockService;
beforeAll(async () => {
  server = await RedisServer.start();
  direct = server.client();
});
afterAll(() => server.stop());
beforeEach(async () => {
  await direct.flushall();
  others = await lockService({ redis: server.url });
});

const find = () => others.outcomes.of(NAME);
const stateIs = (state: string) =>
  until(async () => (await find())?.state === state, { what: `it is ${state}` });
const attempts = async () => (await find())?.attempts.map(({ outcome }) => outcome);
const again = () =>
  others.once(NAME, () => ({ by: 'the successor' }), { ...STORED, onUnknown: 'retry' });

describe('a mark that does not get through', () => {
  let proxy: TcpProxy;
  let locks: LockService;
  let manager: JobLockManager;
  let told: LockEvent[];
  beforeEach(async () => {
    proxy = await TcpProxy.start(server.port);
    afterTest(() => proxy.stop());
    const app = await lockApp({ redis: proxy.url, storeTimeout: 200 });
    [locks, manager] = [app.get(LockService), app.get(JobLockManager)];
    told = eventsOf(locks);
  });

  const cutOff = () => {
    proxy.refuse = true;
    proxy.cut();
  };
  const mend = () => {
    proxy.refuse = proxy.dropReplies = proxy.dropRequests = false;
    proxy.cut();
  };
  const cuts: [what: string, cut: () => unknown, meanwhile: string][] = [
    ['the connection is gone', cutOff, 'running'],
    ['the question is not heard', () => (proxy.dropRequests = true), 'running'],
    ['the answer is not heard', () => (proxy.dropReplies = true), 'processed'],
  ];

  const isTold = async (isLate: boolean) => {
    const marks = () => told.flatMap((event) => (event.type === 'processed' ? event.isLate : []));
    await until(() => marks().length > 0, { what: 'it is told' });
    expect(marks()).toEqual([isLate]);
  };

  it.each(cuts)(
    'fails no work that is done, and arrives later, once (%s)',
    async (_, cut, state) => {
      const work = async () => {
        cut();
        return { receipt: 7 };
      };
      const done = await locks.once(NAME, work, STORED);
      expect(done).toEqual({ status: 'executed', result: { receipt: 7 } });
      expect(told.map(({ type }) => type)).toEqual(['acquired', 'release-failed']);
      await stateIs(state);
      mend();
      await stateIs('processed');
      await isTold(false);
      const record = await find();
      expect(await attempts()).toEqual(['processed']);
      expect(await others.inspect(NAME)).toBeNull();
      expect(await again()).toEqual({ status: 'replayed', result: { receipt: 7 } });
      expect(await locks.once(NAME, work, STORED)).toMatchObject({ status: 'replayed' });
      expect(await find()).toEqual(record);
    },
  );

  it('is repeated for as long as it takes, whatever the client does about it', async () => {
    // Which forgets what it has sent.
    const redis = { host: HOST, port: proxy.port, autoResendUnfulfilledCommands: false };
    const forgetful = await lockService({ redis, storeTimeout: 100 });
    let marks = 0;
    proxy.onRequest = (data) => (marks += data.includes('"receipt":7') ? 1 : 0);
    const work = async () => {
      proxy.dropRequests = true;
      return { receipt: 7 };
    };
    expect(await forgetful.once(NAME, work, STORED)).toMatchObject({ status: 'executed' });
    await until(() => marks >= 4, { what: 'it is told again and again', timeoutMs: 15_000 });
    await stateIs('running');
    mend();
    await stateIs('processed');
    expect(await attempts()).toEqual(['processed']);
  });

  it('arrives as late where the lease has ended before', async () => {
    const done = await locks.once(NAME, cutOff, { ttl: 500 });
    expect(done).toMatchObject({ status: 'executed' });
    await stateIs('unknown');
    mend();
    await stateIs('processed');
    expect(await attempts()).toEqual(['late']);
    await isTold(true);
  });

  it.each(cuts)(
    'is told to a JobLockManager, whose unlock opens nothing (%s)',
    async (_, cut, state) => {
      expect(await manager.lock(JOB, ID)).toBe(true);
      cut();
      const error = await errorOf(manager.successfullyProcessed(JOB, ID));
      expect(error).toBeInstanceOf(LockStoreError);
      expect(await manager.unlock(JOB, ID)).toBe('expired');
      await stateIs(state);
      mend();
      await stateIs('processed');
      expect(await attempts()).toEqual(['processed']);
      expect(await manager.lock(JOB, ID)).toBe(false);
      expect(await others.inspect(NAME)).toBeNull();
    },
  );
});
