import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { Redis } from 'ioredis';
import { LockAbortedError, LockStoreError } from 'nestjs-locker';
import { ManualClock } from 'nestjs-locker/testing';
import { lockKeys } from '../support/lease-end.js';
import { afterTest, ClockedRedisStore, lockService, watch } from '../support/lock-service.js';
import { HOST, RedisServer } from '../support/redis-server.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { until } from '../support/until.js';

jest.setTimeout(30_000);

const NAME = 'invoice:42';
const { lease: KEY } = lockKeys(NAME);
const STORE_TIMEOUT = 2_000;

let server: RedisServer;
let direct: Redis;
let proxy: TcpProxy;
let sent: Buffer[];

beforeAll(async () => {
  server = await RedisServer.start();
  direct = server.client();
});
afterAll(() => server.stop());
beforeEach(async () => {
  await direct.flushall();
  proxy = await TcpProxy.start(server.port);
  afterTest(() => proxy.stop());
  sent = [];
  proxy.onRequest = (data) => sent.push(data);
});

const wasAskedFor = (name: string) => Buffer.concat(sent).includes(name);
const asked = () => until(() => wasAskedFor(KEY), { what: 'the command is on its way' });
const isTaken = async () => (await direct.exists(KEY)) === 1;
const becomes = (taken: boolean) =>
  until(async () => (await isTaken()) === taken, {
    what: `the lease ${taken ? 'is there' : 'is gone'}`,
  });

/** What was dropped cannot be followed by more on the same connection: TCP leaves no gaps. */
function heal(): void {
  proxy.cut();
  proxy.dropReplies = proxy.dropRequests = false;
}

/** A service whose limits pass when the test says so, behind the proxy. */
async function clockedService(clock: ManualClock, redis: string | Redis = proxy.url) {
  const store = new ClockedRedisStore(redis, clock);
  const locks = await lockService({ store, ttl: '1 minute', storeTimeout: STORE_TIMEOUT });
  sent = [];
  return locks;
}

describe('an acquire without an answer', () => {
  it.each(['dropReplies', 'dropRequests'] as const)(
    'fails within its limit and leaves no lease behind (%s)',
    async (fault) => {
      const locks = await lockService({ redis: proxy.url, ttl: '1 minute', storeTimeout: 300 });
      proxy[fault] = true;
      await expect(locks.acquire(NAME)).rejects.toThrow(LockStoreError);
      heal();
      // Behind everything that the client sends again on its new connection.
      await until(async () => !!(await locks.tryAcquire(NAME).catch(() => null)), {
        what: 'the name is free',
        timeoutMs: 10_000,
      });
    },
  );

  it('is released at once, while replies still do not come through', async () => {
    const clock = new ManualClock();
    const locks = await clockedService(clock);
    proxy.dropReplies = true;
    const acquire = watch(locks.acquire(NAME));
    await becomes(true);
    await clock.advance(STORE_TIMEOUT - 1);
    expect(acquire.settled).toBe(false);
    await clock.advance(1);
    expect(acquire.error).toBeInstanceOf(LockStoreError);
    await becomes(false);
  });

  it('is released when its caller aborts meanwhile, and the caller is told at once', async () => {
    const locks = await clockedService(new ManualClock());
    const reason = new Error('the user has left');
    const caller = new AbortController();
    proxy.dropReplies = true;
    const acquire = locks.acquire(NAME, { signal: caller.signal });
    await becomes(true);
    caller.abort(reason);
    await expect(acquire).rejects.toThrow(LockAbortedError);
    await expect(acquire).rejects.toMatchObject({ cause: reason });
    await becomes(false);
  });

  it('is released when a try aborts meanwhile', async () => {
    const locks = await clockedService(new ManualClock());
    const caller = new AbortController();
    proxy.dropReplies = true;
    const acquire = locks.tryAcquire(NAME, { signal: caller.signal });
    await becomes(true);
    caller.abort();
    await expect(acquire).rejects.toThrow(LockAbortedError);
    await becomes(false);
  });
});

describe('a write that arrives late, over a connection that was given up', () => {
  const arrivesLate = async (bytes: Buffer) => {
    const socket = connect(server.port, HOST);
    afterTest(() => socket.destroy());
    socket.write(bytes);
    await once(socket, 'data');
  };

  it.each([
    ['sends again what was not answered', true],
    ['gives up what was not answered', false],
  ])('is released too, where the client %s', async (_what, autoResendUnfulfilledCommands) => {
    const clock = new ManualClock();
    const client = server.client({ port: proxy.port, autoResendUnfulfilledCommands });
    const locks = await clockedService(clock, client);
    proxy.dropRequests = true;
    const acquire = watch(locks.acquire(NAME));
    await asked();
    const late = Buffer.concat(sent);
    await clock.advance(STORE_TIMEOUT);
    expect(acquire.error).toBeInstanceOf(LockStoreError);

    const connected = once(client, 'ready');
    heal();
    await connected;
    await locks.inspect('another'); // answered after the release
    await becomes(false);
    await arrivesLate(late);
    expect(await isTaken()).toBe(true);
    const isGone = () => clock.advance(100).then(async () => !(await isTaken()));
    await until(isGone, { what: 'the lease is gone' });
  });
});

describe('the clean-up', () => {
  it("never frees somebody else's lease", async () => {
    const clock = new ManualClock();
    const locks = await clockedService(clock);
    const others = await lockService({ redis: server.url, ttl: '1 minute' });
    proxy.dropRequests = true;
    const acquire = watch(locks.acquire(NAME));
    await asked();
    await clock.advance(STORE_TIMEOUT);
    expect(acquire.error).toBeInstanceOf(LockStoreError);

    const lock = await others.acquire(NAME);
    heal();
    const tries = async () => Number(/calls=(\d+)/.exec(await stats('evalsha'))?.[1] ?? 0);
    await direct.config('RESETSTAT');
    await until(
      async () => {
        await clock.advance(100);
        return (await tries()) >= 3; // the acquire sent again, and both releases
      },
      { what: 'the clean-up has run', timeoutMs: 10_000 },
    );
    expect(await others.inspect(NAME)).toMatchObject({ fencingToken: lock.fencingToken });
    expect(await lock.release()).toBe('released');
  });

  it('goes on while the server is away, and gives the name back when it returns', async () => {
    const clock = new ManualClock();
    const locks = await clockedService(clock);
    proxy.dropReplies = true;
    const acquire = watch(locks.acquire(NAME, { ttl: '10 minutes' }));
    await becomes(true);
    // Neither the first release nor its repetitions get through.
    proxy.dropRequests = true;
    await clock.advance('10s');
    expect(acquire.error).toBeInstanceOf(LockStoreError);
    expect(await isTaken()).toBe(true);
    heal();
    await becomes(false);
  });
});

async function stats(command: string): Promise<string> {
  const info = await direct.info('commandstats');
  return info.split('\r\n').find((line) => line.startsWith(`cmdstat_${command}:`)) ?? '';
}
