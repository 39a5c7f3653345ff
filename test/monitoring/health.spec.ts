import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Test } from '@nestjs/testing';
import { TerminusModule } from '@nestjs/terminus';
import type { Redis } from 'ioredis';
import { LockModule, LockService } from 'nestjs-locker';
import { LockHealthIndicator } from 'nestjs-locker/terminus';
import { RecordingLogger } from '../support/lock-service.js';
import { scriptCalls } from '../support/queue.js';
import { HOST, RedisServer } from '../support/redis-server.js';
import { until } from '../support/until.js';
import { DEGRADED, type Health, type HealthApp, healthApp } from './fixtures/health-app.js';

const DOWN = { httpStatus: 503, status: 'error', locks: { status: 'down' } };

/** Faults pass with their test. */
const mends: (() => unknown)[] = [];
afterEach(async () => {
  for (const mend of mends.splice(0).reverse()) await mend();
});

/** The first answer of which this holds. */
async function untilHealth(
  { health }: HealthApp,
  what: string,
  is: (answer: Health) => boolean,
): Promise<Health> {
  let last: Health | undefined;
  await until(
    async () => {
      last = await health();
      return is(last);
    },
    { what: `health is ${what}`, timeoutMs: 20_000 },
  ).catch((error: Error) => {
    throw new Error(`${error.message}: it is ${last?.body}`);
  });
  return last!;
}

describe('health of one Redis', () => {
  let server: RedisServer;
  let direct: Redis;
  let app: HealthApp;
  beforeAll(async () => {
    server = await RedisServer.start();
    direct = server.client();
    app = await healthApp({ redis: server.url });
  });
  afterAll(async () => {
    await app.app.close();
    await server.stop();
  });

  it('is up, in numbers and without hosts', async () => {
    const { body, locks, ...answer } = await app.plainHealth();
    expect(answer).toMatchObject({ httpStatus: 200, status: 'ok' });
    expect(locks).toEqual({
      status: 'up',
      latencyMs: expect.any(Number),
      servers: 1,
      writable: 1,
      clockOffsetMs: expect.any(Number),
      evictionPolicy: 'noeviction',
      handOvers: 'untried',
    });
    expect(locks['latencyMs']).toBeGreaterThan(0);
    expect(body).not.toContain(HOST);
    expect(body).not.toContain(String(server.port));
  });

  it('asks the server once for all that ask, and again when that is old', async () => {
    const query = { cacheFor: '9 minutes', timeout: '1999ms' };
    await direct.config('RESETSTAT');
    const [{ body }, ...others] = await Promise.all(
      Array.from({ length: 20 }, () => app.health(query)),
    );
    others.push(await app.health(query));
    expect(new Set(others.map((other) => other.body))).toEqual(new Set([body]));
    expect(await scriptCalls(direct)).toBe(2); // takes a lock and gives it back
    await app.health();
    expect(await scriptCalls(direct)).toBe(4);
  });

  it('shows servers where that is wanted', async () => {
    const { locks } = await app.health({ showServers: 'true' });
    expect(locks['details']).toEqual([
      expect.objectContaining({
        server: `Redis at ${HOST}:${server.port}`,
        product: expect.stringMatching(/^(Redis|Valkey) \d/),
      }),
    ]);
  });

  it('tells when those that wait are told', async () => {
    const locks = app.app.get(LockService);
    const held = await locks.acquire('told', { ttl: '10s' });
    const waiter = locks.acquire('told', { wait: '20s' });
    const { locks: details } = await untilHealth(
      app,
      'told of hand-overs',
      ({ locks: { handOvers } }) => handOvers === 'push',
    );
    expect(details).not.toHaveProperty('problems');
    await held.release();
    await (await waiter).release();
  });

  it('is degraded where keys may be evicted', async () => {
    await direct.config('SET', 'maxmemory-policy', 'allkeys-lru');
    mends.push(() => direct.config('SET', 'maxmemory-policy', 'noeviction'));
    expect(await app.health()).toMatchObject({
      ...DEGRADED,
      httpStatus: 200,
      locks: { ...DEGRADED.locks, evictionPolicy: 'allkeys-lru' },
      problems: ['eviction'],
    });
  });

  it('is degraded where a write takes its time', async () => {
    const { locks, problems } = await app.health({ maxLatency: '1ms', timeout: '3s' });
    // It may be faster than that.
    const isSlow = Number(locks['latencyMs']) > 1;
    expect(problems).toEqual(isSlow ? ['latency'] : []);
    await direct.call('CLIENT', 'PAUSE', '200', 'WRITE');
    expect(await app.health({ maxLatency: '50ms' })).toMatchObject({
      ...DEGRADED,
      problems: ['latency'],
    });
  });

  it.each([
    {
      what: 'has no memory left',
      set: ['maxmemory', '1'],
      back: ['maxmemory', '0'],
      text: /no memory left/,
    },
    {
      what: 'has too few replicas',
      set: ['min-replicas-to-write', '3'],
      back: ['min-replicas-to-write', '0'],
      text: /cannot be written to \(NOREPLICAS\)/,
    },
  ])('is down while it $what', async ({ set, back, text }) => {
    await direct.config('SET', set[0]!, set[1]!);
    mends.push(() => direct.config('SET', back[0]!, back[1]!));
    const answer = await app.health();
    expect(answer).toMatchObject({ ...DOWN, problems: ['write'] });
    expect(answer.body).toMatch(text);
    expect(answer.locks['writable']).toBe(0);
  });

  it('is down on a replica, which PING would not tell', async () => {
    await direct.replicaof(HOST, 1);
    mends.push(() => direct.replicaof('NO', 'ONE'));
    const answer = await untilHealth(app, 'down', ({ status }) => status === 'error');
    expect(answer).toMatchObject({ ...DOWN, problems: ['write'] });
    expect(answer.body).toContain('is a replica, which may not be written to');
    expect(answer.body).not.toContain(HOST);
  });

  it('is down within its time while it stands still, and up again after that', async () => {
    await untilHealth(app, 'up', ({ status }) => status === 'ok');
    server.pause();
    const startedAt = performance.now();
    const answer = await app.health({ timeout: '300ms' });
    expect(performance.now() - startedAt).toBeLessThan(5_000);
    expect(answer).toMatchObject({ ...DOWN, problems: ['write'] });
    expect(answer.body).toContain('gives no answer within 300 ms');
    server.resume();
    await untilHealth(app, 'up', ({ status }) => status === 'ok');
  });

  it('is down when it is gone, says why and not where, and is up when it is back', async () => {
    await server.kill();
    const answer = await untilHealth(app, 'refused', ({ body }) => body.includes('ECONNREFUSED'));
    expect(answer).toMatchObject({ ...DOWN, problems: ['write'] });
    expect(answer.body).toContain('cannot be reached (ECONNREFUSED)');
    expect(answer.body).not.toContain(HOST);
    const shown = await app.health({ showServers: 'true', timeout: '300ms' });
    expect(shown.body).toContain(`${HOST}:${server.port}`);
    await server.restart();
    await untilHealth(app, 'up', ({ status }) => status === 'ok');
  });
});

describe('health of a user that may use no channels', () => {
  it('is degraded once somebody had to ask', async () => {
    const server = await RedisServer.start();
    mends.push(() => server.stop());
    const rights = ['on', '>secret', '~*', 'resetchannels', '+@all'];
    await server.client().call('ACL', 'SETUSER', 'locker', ...rights);
    const app = await healthApp({ redis: server.url.replace('//', '//locker:secret@') });
    mends.push(() => app.app.close());
    expect(await app.health()).toMatchObject({ status: 'ok', locks: { handOvers: 'untried' } });
    const locks = app.app.get(LockService);
    const held = await locks.acquire('a', { ttl: '10s' });
    const waiter = locks.acquire('a', { wait: '20s' });
    const answer = await untilHealth(
      app,
      'polling',
      ({ locks: { handOvers } }) => handOvers === 'polling',
    );
    expect(answer).toMatchObject({ ...DEGRADED, httpStatus: 200, problems: ['hand-overs'] });
    await held.release();
    await (await waiter).release();
  });
});

describe('LockHealthIndicator', () => {
  const start = async (...modules: ReturnType<typeof LockModule.forRoot>[]) => {
    const app = await Test.createTestingModule({
      imports: [...modules, TerminusModule.forRoot({ logger: false })],
      providers: [LockHealthIndicator],
    })
      .setLogger(new RecordingLogger())
      .compile();
    await app.init();
    mends.push(() => app.close());
    return app.get(LockHealthIndicator);
  };

  it('tells of any store, under any key, and of named modules', async () => {
    const indicator = await start(
      LockModule.forRoot({ store: 'memory' }),
      LockModule.forRoot({ store: 'memory', name: 'billing' }),
    );
    const up = { status: 'up', servers: 1, writable: 1 };
    expect(await indicator.isHealthy()).toMatchObject({ locks: up });
    expect(await indicator.isHealthy('other', { using: 'billing' })).toMatchObject({ other: up });
  });

  it('says what is missing', async () => {
    const without = await start();
    await expect(without.isHealthy()).rejects.toThrow(/import LockModule\.forRoot/);
    const indicator = await start(LockModule.forRoot({ store: 'memory' }));
    await expect(indicator.isHealthy('locks', { using: 'none' })).rejects.toThrow(/name: "none"/);
  });

  it.each([
    [{ timeout: 0 }, '"timeout" is 0'],
    [{ cacheFor: 'soon' }, '"cacheFor" is "soon"'],
    [{ maxLatency: -1 }, '"maxLatency" is -1'],
    [{ showServers: 'yes' }, '"showServers" is "yes"; write true or false'],
    [{ ttl: 1 }, 'there is no option "ttl"'],
  ])('refuses %j', async (options, message) => {
    const indicator = await start(LockModule.forRoot({ store: 'memory' }));
    await expect(indicator.isHealthy('locks', options as object)).rejects.toThrow(message);
  });
});
