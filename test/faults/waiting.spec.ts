import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  it,
  jest,
} from '@jest/globals';
import type { Redis } from 'ioredis';
import type { Lock, LockService } from 'nestjs-locker';
import { ManualClock } from 'nestjs-locker/testing';
import { Child } from '../support/child-process.js';
import { leaseEnd, passed } from '../support/lease-end.js';
import {
  afterTest,
  ClockedRedisStore,
  eventsOf,
  lockService,
  RecordingLogger,
  type Watched,
  watch,
} from '../support/lock-service.js';
import { queueLength, queueOf, nothingRemains } from '../support/queue.js';
import { HOST, RedisServer } from '../support/redis-server.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { until } from '../support/until.js';

jest.setTimeout(60_000);

const NAME = 'invoice:42';
const LONG = { ttl: '10 minutes', wait: Infinity } as const;
const CLAIM_MS = 3_000;
/** What a round trip may take on a machine that others are busy on. */
const SLACK_MS = 500;

let server: RedisServer;
let direct: Redis;
beforeAll(async () => {
  server = await RedisServer.start();
  direct = server.client();
});
afterAll(() => server.stop());
beforeEach(() => direct.flushall());
afterEach(() => nothingRemains(direct));

const service = () => lockService({ redis: server.url });
const queue = (length: number) => queueOf(direct, NAME, length);

/** A process of its own that waits for the name, and gives it back when told to. */
const waitingProcess = (options: object = {}) =>
  Child.start(
    new URL('../integration/fixtures/waits-for-a-lock.ts', import.meta.url),
    server.url,
    NAME,
    JSON.stringify(options),
  );

/** Resolves with how long it took. */
async function given(waiter: Watched<Lock>, from = performance.now()): Promise<number> {
  await until(() => waiter.settled, { what: 'it is given', timeoutMs: 20_000 });
  expect(waiter.error).toBeUndefined();
  return performance.now() - from;
}

/** The connections on which processes hear of hand-overs. */
async function listeners(): Promise<number> {
  const list = String(await direct.client('LIST'));
  return list.split('\n').filter((line) => / sub=1 /.test(line)).length;
}

describe('a waiter whose process', () => {
  it('was killed does not hold up the next: Redis knows that nobody listens', async () => {
    const held = await (await service()).acquire(NAME, LONG);
    const killed = waitingProcess();
    await queue(1);
    const store = new ClockedRedisStore(server.url, new ManualClock());
    const next = watch((await lockService({ store })).acquire(NAME, LONG));
    await queue(2);
    const before = await listeners();
    await killed.kill();
    await until(async () => (await listeners()) === before - 1, {
      what: 'its connection is closed',
    });
    await held.release();
    expect(await given(next)).toBeLessThan(CLAIM_MS / 3);
  });

  it('was killed after it was handed the lock costs the next one claim', async () => {
    const held = await (await service()).acquire(NAME, LONG);
    const killed = waitingProcess({ ttl: LONG.ttl });
    await queue(1);
    const next = watch((await service()).acquire(NAME, LONG));
    await queue(2);
    killed.signal('SIGSTOP');
    await held.release();
    await killed.kill();
    expect(await given(next)).toBeLessThan(CLAIM_MS * (4 / 3) + SLACK_MS);
  });

  it('stands still costs the next one claim, and waits anew when it goes on', async () => {
    const held = await (await service()).acquire(NAME, LONG);
    const stopped = waitingProcess();
    await queue(1);
    const next = watch((await service()).acquire(NAME, LONG));
    await queue(2);
    stopped.signal('SIGSTOP');
    await held.release();
    expect(await given(next)).toBeLessThan(CLAIM_MS * (4 / 3) + SLACK_MS);

    stopped.write('release\n');
    stopped.signal('SIGCONT');
    await queue(1);
    const { isHeld, fencingToken } = next.value!;
    expect(isHeld).toBe(true);
    expect(await next.value!.release()).toBe('released');
    const { token } = await stopped.told<{ token: number }>('granted');
    expect(token).toBeGreaterThan(fencingToken);
    expect(await stopped.told('released')).toMatchObject({ outcome: 'released' });
    expect(await stopped.exit()).toEqual({ code: 0, errors: '' });
  });

  it('stands still until its place has ended waits anew, behind those that came meanwhile', async () => {
    const held = await (await service()).acquire(NAME, LONG);
    const stopped = waitingProcess();
    await queue(1);
    stopped.signal('SIGSTOP');
    await until(async () => (await queueLength(direct, NAME)) === 0, {
      what: 'its place has ended',
      timeoutMs: 10_000,
    });
    const next = watch((await service()).acquire(NAME, LONG));
    await queue(1);
    stopped.write('release\n');
    stopped.signal('SIGCONT');
    await queue(2);
    await held.release();
    expect(await given(next)).toBeLessThan(SLACK_MS);
    await next.value!.release();
    const { token } = await stopped.told<{ token: number }>('granted');
    expect(token).toBeGreaterThan(next.value!.fencingToken);
  });

  it('stands still costs no more than one claim together with others that do', async () => {
    const held = await (await service()).acquire(NAME, LONG);
    const stopped: Child[] = [];
    for (let i = 1; i <= 3; i++) {
      stopped.push(waitingProcess());
      await queue(i);
    }
    const next = watch((await service()).acquire(NAME, LONG));
    await queue(4);
    for (const child of stopped) child.signal('SIGSTOP');
    await held.release();
    expect(await given(next)).toBeLessThan(CLAIM_MS * (4 / 3) + SLACK_MS);
  });
});

describe('a holder that was killed', () => {
  it('is followed by the head of the queue when its ttl ends', async () => {
    const holder = waitingProcess({ ttl: 2_000 });
    const { token } = await holder.told<{ token: number }>('granted');
    const first = watch((await service()).acquire(NAME, LONG));
    await queue(1);
    const second = watch((await service()).acquire(NAME, LONG));
    await queue(2);
    await holder.kill();
    const end = await leaseEnd(direct, NAME);
    await given(first);
    expect(performance.now()).toBeGreaterThan(end - 50);
    expect(performance.now()).toBeLessThan(end + SLACK_MS);
    expect(first.value!.fencingToken).toBeGreaterThan(token);
    expect(second.settled).toBe(false);
    await first.value!.release();
    expect(await given(second)).toBeLessThan(SLACK_MS);
  });
});

describe('a waiter', () => {
  let proxy: TcpProxy;
  let held: Lock;
  let locks: LockService;
  beforeEach(async () => {
    proxy = await TcpProxy.start(server.port);
    afterTest(() => proxy.stop());
    held = await (await service()).acquire(NAME, LONG);
    locks = await lockService({ redis: proxy.url });
  });

  it('whose message was lost learns it with its next sign of life', async () => {
    const waiter = watch(locks.acquire(NAME, LONG));
    await queue(1);
    let lost = 0;
    proxy.dropsReply = (data) => data.includes(':hand-over:') && ++lost > 0;
    await held.release();
    expect(await given(waiter)).toBeLessThan(CLAIM_MS / 3 + SLACK_MS);
    expect(lost).toBe(1);
    expect(await waiter.value!.release()).toBe('released');
  });

  it('that has lost its listening connection asks as soon as it has another', async () => {
    const waiter = watch(locks.acquire(NAME, LONG));
    await queue(1);
    const kill = direct.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
    await held.release();
    expect(await kill).toBeGreaterThan(0);
    expect(await given(waiter)).toBeLessThan(CLAIM_MS / 3 + SLACK_MS);
  });

  it('that cannot listen for a while is served all the same', async () => {
    const waiter = watch(locks.acquire(NAME, LONG));
    await queue(1);
    proxy.refuse = true;
    await direct.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
    await held.release();
    expect(await given(waiter)).toBeLessThan(CLAIM_MS / 3 + SLACK_MS);
    proxy.refuse = false;
  });

  it('that has lost all its connections keeps its place', async () => {
    const waiter = watch(locks.acquire(NAME, LONG));
    await queue(1);
    const later = watch((await service()).acquire(NAME, LONG));
    await queue(2);
    const before = await listeners();
    for (let i = 0; i < 3; i++) {
      proxy.cut();
      await until(async () => (await listeners()) < before, { what: 'the server has noticed' });
      await until(async () => (await listeners()) === before, { what: 'it listens again' });
    }
    await queue(2);
    await held.release();
    expect(await given(waiter)).toBeLessThan(SLACK_MS);
    expect(later.settled).toBe(false);
    await waiter.value!.release();
    await given(later);
  });

  it('goes on waiting when Redis closes every connection', async () => {
    const waiter = watch(locks.acquire(NAME, LONG));
    await queue(1);
    await direct.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    await direct.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
    await passed(performance.now() + 200);
    expect(waiter.settled).toBe(false);
    expect(await held.release()).toBe('released');
    expect(await given(waiter)).toBeLessThan(CLAIM_MS / 3 + SLACK_MS);
  });

  it('goes on waiting while Redis is out of reach', async () => {
    const waiter = watch(locks.acquire(NAME, LONG));
    await queue(1);
    proxy.dropRequests = proxy.dropReplies = true;
    await passed(performance.now() + 6_000);
    expect(waiter.settled).toBe(false);
    proxy.cut();
    proxy.dropRequests = proxy.dropReplies = false;
    await queue(1);
    await held.release();
    await given(waiter);
  });

  it('registers again after FLUSHALL, as do all others', async () => {
    const waiters = [watch(locks.acquire(NAME, LONG))];
    await queue(1);
    waiters.push(watch((await service()).acquire(NAME, LONG)));
    await queue(2);
    const start = performance.now();
    await direct.flushall();
    await until(() => waiters.some(({ settled }) => settled), { what: 'one has it' });
    expect(performance.now() - start).toBeLessThan(CLAIM_MS / 3 + SLACK_MS);
    await queue(1);
    const first = waiters.find(({ settled }) => settled)!;
    const second = waiters.find((waiter) => waiter !== first)!;
    await passed(performance.now() + CLAIM_MS);
    expect(second.settled).toBe(false);
    expect(first.value!.isHeld).toBe(true);
    expect(first.value!.fencingToken).toBeGreaterThan(held.fencingToken);
    await first.value!.release();
    expect(await given(second)).toBeLessThan(SLACK_MS);
  });

  it('is not overtaken after its grant came too late to be good', async () => {
    const waiter = watch(locks.acquire(NAME, { ttl: 600, wait: Infinity }));
    await queue(1);
    proxy.delayMs = { replies: 1_000 };
    await held.release();
    await passed(performance.now() + 2_000);
    proxy.delayMs = 0;
    await given(waiter);
    expect(waiter.value!.isHeld).toBe(true);
    const other = await service();
    expect((await other.inspect(NAME))!.fencingToken).toBe(waiter.value!.fencingToken);
    expect(await waiter.value!.release()).toBe('released');
  });
});

describe('where a user may not use channels', () => {
  const restricted = { username: 'locker', password: 'pw' };
  beforeEach(async () => {
    const rights = ['on', '>pw', '~*', '+@all', 'resetchannels'];
    await direct.call('ACL', 'SETUSER', 'locker', ...rights);
  });
  let logger: RecordingLogger;
  beforeEach(() => void (logger = new RecordingLogger()));
  const polling = () =>
    lockService({ redis: { host: HOST, port: server.port, ...restricted }, logger });

  it('waiters ask again and again, are served in order, and it is told', async () => {
    const first = await polling();
    const events = eventsOf(first);
    const held = await (await polling()).acquire(NAME, LONG);
    const order: string[] = [];
    const waiters: Watched<unknown>[] = [];
    for (const [i, locks] of [first, await polling(), await polling()].entries()) {
      waiters.push(watch(locks.withLock(NAME, () => order.push(`waiter ${i}`), LONG)));
      await until(async () => (await queueLength(direct, NAME)) === i + 1, { what: 'it waits' });
    }
    await until(() => events.length > 0, { what: 'the event is told' });
    expect(events).toEqual([{ type: 'polling', error: expect.any(Error) }]);
    expect(String((events[0] as { error: Error }).error)).toMatch(/NOPERM/);
    expect(logger.lines).toContainEqual(expect.stringMatching(/^warn .*ask again.*NOPERM/));

    const start = performance.now();
    expect(await held.release()).toBe('released');
    await until(() => waiters.every(({ settled }) => settled), { what: 'all were served' });
    expect(order).toEqual(['waiter 0', 'waiter 1', 'waiter 2']);
    expect(performance.now() - start).toBeLessThan(3 * 200 + SLACK_MS);
  });

  it('a release still succeeds when one waits who may, and who gets it by asking', async () => {
    const held = await (await polling()).acquire(NAME, LONG);
    const waiter = watch((await service()).acquire(NAME, LONG));
    await queue(1);
    expect(await held.release()).toBe('released');
    expect(await given(waiter)).toBeLessThan(CLAIM_MS / 3 + SLACK_MS);
  });
});
