import { createHash } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { Redis } from 'ioredis';
import { LockLostError } from 'nestjs-locker';
import * as lua from '../../lib/stores/redis/lua.js';
import { Child } from '../support/child-process.js';
import { leaseEnd, passed } from '../support/lease-end.js';
import { afterTest, Deferred, errorOf, eventsOf, lockService } from '../support/lock-service.js';
import { RedisServer } from '../support/redis-server.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { until } from '../support/until.js';

jest.setTimeout(60_000);

const NAME = 'invoice:42';
const RENEW = createHash('sha1').update(lua.renew).digest('hex');

let server: RedisServer;
let direct: Redis;
let proxy: TcpProxy;
let requests: number;

beforeAll(async () => {
  server = await RedisServer.start();
  direct = server.client();
});
afterAll(() => server.stop());
beforeEach(async () => {
  await direct.flushall();
  proxy = await TcpProxy.start(server.port);
  afterTest(() => proxy.stop());
  requests = 0;
  proxy.onRequest = () => requests++;
});

const countOf = (events: readonly { type: string }[], type: string): number =>
  events.filter((event) => event.type === type).length;

/** Stops Redis and tells when the lease ends that it has then: nothing was sent since it was asked. */
async function stopRedis(): Promise<number> {
  afterTest(() => server.resume());
  for (;;) {
    const before = requests;
    const end = await leaseEnd(direct, NAME);
    if (requests !== before) continue;
    server.pause();
    return end;
  }
}

describe('a lock whose Redis has stopped', () => {
  // Slow replies set apart what counts from the send and what counts from the reply; the long
  // storeTimeout keeps the renewals waiting for an answer at the deadline.
  const TTL = 2_000;
  const LATENCY = 400;
  const service = async () => {
    const locks = await lockService({ redis: proxy.url, ttl: TTL, storeTimeout: 10_000 });
    proxy.delayMs = { replies: LATENCY };
    return locks;
  };

  it.each([
    ['before its first renewal', 0],
    ['after a renewal', 1],
  ])('is told as lost before Redis can give the name away (%s)', async (_when, renewals) => {
    const locks = await service();
    const events = eventsOf(locks);
    const lock = await locks.acquire(NAME);
    const seen: unknown[] = [];
    lock.signal.addEventListener('abort', () =>
      seen.push({ isHeld: lock.isHeld, remainingMs: lock.remainingMs, held: locks.held() }),
    );
    if (renewals > 0) {
      const deadline = () => performance.now() + lock.remainingMs;
      const first = deadline();
      await until(() => deadline() > first + 100, { what: 'a renewal is confirmed' });
    }
    const end = await stopRedis();
    expect(performance.now() + lock.remainingMs).toBeLessThan(end);
    await passed(end);
    expect(seen).toEqual([{ isHeld: false, remainingMs: 0, held: [] }]);
    expect(lock.signal.reason).toBeInstanceOf(LockLostError);
    expect(lock.signal.reason).toMatchObject({ lockName: NAME, reason: 'deadline' });
    expect(() => lock.assertHeld()).toThrow(LockLostError);
    expect(countOf(events, 'lost')).toBe(1);
  });

  it('stays lost when Redis goes on, and gives the name back', async () => {
    const locks = await service();
    const lock = await locks.acquire(NAME);
    const end = await stopRedis();
    await passed(end);
    proxy.delayMs = 0;
    server.resume();
    const next = await locks.acquire(NAME, { wait: '20s' });
    expect(lock.isHeld).toBe(false);
    expect(next.isHeld).toBe(true);
    expect(await lock.release()).toBe('taken-over');
  });
});

describe('a process that was stopped past the ttl', () => {
  it('sees on its first instruction after it that its lock is not held', async () => {
    const ttl = 1_000;
    const program = new URL('./fixtures/stopped-process.ts', import.meta.url);
    const child = Child.start(program, server.url, String(ttl));
    await child.told('stopping');
    await passed(performance.now() + ttl + 100);
    child.signal('SIGCONT');
    const seen = await child.told<{ stoodStillMs: number }>('seen');
    expect(seen).toMatchObject({ before: true, after: false, remainingMs: 0 });
    expect(seen.stoodStillMs).toBeGreaterThan(ttl);
    expect(await child.told('ended')).toMatchObject({ losses: ['deadline'], outcome: 'expired' });
    expect(await child.exit()).toEqual({ code: 0, errors: '' });
  });
});

describe('an event loop that is blocked past the deadline', () => {
  it('loses the lock, and a late answer to a renewal never revives it', async () => {
    await direct.script('LOAD', lua.renew);
    const client = server.client();
    const locks = await lockService({ redis: client, ttl: 1_500 });
    const events = eventsOf(locks);
    const renewing = new Deferred();
    const renewed = new Deferred<unknown>();
    const send = client.evalsha.bind(client) as (...args: unknown[]) => Promise<unknown>;
    client.evalsha = ((...args: unknown[]) => {
      const reply = send(...args);
      if (args[0] === RENEW) {
        reply.then(renewed.resolve, renewed.reject);
        renewing.resolve();
      }
      return reply;
    }) as typeof client.evalsha;

    const heldSince: boolean[] = [];
    const work = locks.withLock(NAME, async (lock) => {
      await renewing.promise;
      // The renewal is on its way; nothing is read any more until this gives way.
      const deadline = performance.now() + lock.remainingMs;
      while (performance.now() <= deadline);
      heldSince.push(lock.isHeld);
      expect(await renewed.promise).toEqual([1]);
      await turn();
      heldSince.push(lock.isHeld);
      expect(lock.remainingMs).toBe(0);
      return 'worked on';
    });
    const error = await errorOf(work);
    expect(heldSince).toEqual([false, false]);
    expect(error).toBeInstanceOf(LockLostError);
    expect(error).toMatchObject({ reason: 'deadline', result: 'worked on' });
    expect(countOf(events, 'lost')).toBe(1);
    expect(countOf(events, 'released')).toBe(0);
  });
});

describe('a passing error of a renewal', () => {
  it('does not end the lock, however often it comes', async () => {
    const ttl = 2_000;
    const locks = await lockService({ redis: proxy.url, ttl, storeTimeout: 200 });
    const events = eventsOf(locks);
    const lock = await locks.acquire(NAME);
    const token = lock.fencingToken;
    afterTest(() => server.resume());
    const faults = {
      refused: [() => ((proxy.refuse = true), proxy.cut()), () => (proxy.refuse = false)],
      unheard: [() => (proxy.dropReplies = true), () => ((proxy.dropReplies = false), proxy.cut())],
      stopped: [() => server.pause(), () => server.resume()],
    } as const;
    for (const [fault, [begin, end]] of [...Object.entries(faults), ...Object.entries(faults)]) {
      const failures = countOf(events, 'renewal-failed');
      begin();
      await until(() => countOf(events, 'renewal-failed') > failures, {
        what: `a renewal fails (${fault})`,
      });
      end();
      await until(() => lock.remainingMs > ttl * 0.8 || !lock.isHeld, {
        what: `the lock is renewed (${fault})`,
      });
      expect(lock.signal.aborted).toBe(false);
    }
    expect(lock.isHeld).toBe(true);
    expect(await locks.inspect(NAME)).toMatchObject({ fencingToken: token });
    expect(await lock.release()).toBe('released');
    expect(countOf(events, 'lost')).toBe(0);
  });
});
