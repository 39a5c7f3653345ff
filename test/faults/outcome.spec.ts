import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { Redis } from 'ioredis';
import { type LockEvent, LockLostError, type LockService } from 'nestjs-locker';
import { leaseKey } from '../support/lease-end.js';
import { afterTest, errorOf, eventsOf, lockService } from '../support/lock-service.js';
import { RedisServer } from '../support/redis-server.js';
import { TcpProxy } from '../support/tcp-proxy.js';

jest.setTimeout(60_000);

const NAME = 'invoice:42';

let server: RedisServer;
let direct: Redis;
let locks: LockService;
let other: LockService;
let events: LockEvent[];

beforeAll(async () => {
  server = await RedisServer.start();
  direct = server.client();
});
afterAll(() => server.stop());
beforeEach(async () => {
  await direct.flushall();
  locks = await lockService({ redis: server.url });
  other = await lockService({ redis: server.url });
  events = eventsOf(locks);
});

/** Ways to lose a lock while its work goes on: told to it at once, or found out by the release. */
const losses = {
  forced: async () => void (await locks.forceRelease(NAME)),
  expired: async () => void (await direct.del(leaseKey(NAME))),
  'taken-over': async () => {
    await direct.del(leaseKey(NAME));
    await other.acquire(NAME);
  },
};
const eachLoss = Object.entries(losses);

const ends = () => events.filter(({ type }) => type === 'lost' || type === 'released');

describe.each(eachLoss)('work that went on although its lock was lost (%s)', (reason, lose) => {
  it('fails with the loss when it returned, and its result is not lost with it', async () => {
    let token = 0;
    const result = { submitted: 42 };
    const error = await errorOf(
      locks.withLock(NAME, async (lock) => {
        token = lock.fencingToken;
        await lose();
        return result;
      }),
    );
    expect(error).toBeInstanceOf(LockLostError);
    expect(error).toMatchObject({ code: 'LOCK_LOST', lockName: NAME, reason, fencingToken: token });
    expect((error as LockLostError).result).toBe(result);
    expect(ends()).toEqual([expect.objectContaining({ type: 'lost', name: NAME, reason })]);
  });

  it('fails with its own error, as it is, and the loss goes out as an event', async () => {
    const own = new TypeError('of the work');
    const error = await errorOf(
      locks.withLock(NAME, async () => {
        await lose();
        throw own;
      }),
    );
    expect(error).toBe(own);
    expect(own.cause).toBeUndefined();
    expect(ends()).toEqual([expect.objectContaining({ type: 'lost', name: NAME, reason })]);
  });

  it('is compensated when the caller asked for it, and the loss goes out as an event', async () => {
    const compensate = jest.fn((loss: LockLostError) => `undone: ${String(loss.result)}`);
    const work = async () => {
      await lose();
      return 'submitted';
    };
    expect(await locks.withLock(NAME, work, { compensate })).toBe('undone: submitted');
    expect(compensate).toHaveBeenCalledTimes(1);
    expect(compensate.mock.calls[0]![0]).toMatchObject({ reason, lockName: NAME });
    expect(ends()).toEqual([expect.objectContaining({ type: 'lost', name: NAME, reason })]);
  });
});

describe('work that was stopped by the signal of its lost lock', () => {
  it('fails with the loss itself when it throws the reason', async () => {
    const error = await errorOf(
      locks.withLock(NAME, async (lock) => {
        const { signal } = lock;
        await locks.forceRelease(NAME);
        signal.throwIfAborted();
      }),
    );
    expect(error).toBeInstanceOf(LockLostError);
    expect(error).toMatchObject({ reason: 'forced', result: undefined });
  });
});

describe('work that ended under its lock', () => {
  it('keeps its result when Redis does not answer the release', async () => {
    const proxy = await TcpProxy.start(server.port);
    afterTest(() => proxy.stop());
    const cutOff = await lockService({ redis: proxy.url, storeTimeout: 200 });
    const seen = eventsOf(cutOff);
    const work = async () => {
      proxy.dropReplies = true;
      return 'submitted';
    };
    expect(await cutOff.withLock(NAME, work)).toBe('submitted');
    expect(seen.map(({ type }) => type)).toEqual(['acquired', 'release-failed']);
  });
});
