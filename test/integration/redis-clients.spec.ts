import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Redis } from 'ioredis';
import { LockOptionsError, type RedisSource } from 'nestjs-locker';
import {
  afterTest,
  errorOf,
  lockApp,
  lockService,
  RecordingLogger,
} from '../support/lock-service.js';
import { HOST, RedisServer } from '../support/redis-server.js';
import { until } from '../support/until.js';

jest.setTimeout(20_000);

let server: RedisServer;
let direct: Redis;
beforeAll(async () => {
  server = await RedisServer.start();
  direct = server.client();
});
afterAll(() => server.stop());
beforeEach(() => direct.flushall());

const refusal = async (redis: RedisSource): Promise<string> => {
  const error = await errorOf(lockApp({ redis }));
  expect(error).toBeInstanceOf(LockOptionsError);
  return (error as Error).message;
};

describe('where the module finds Redis', () => {
  const dbsOf = async () => {
    const keyspace = await direct.info('keyspace');
    return [...keyspace.matchAll(/^db(\d+):/gm)].map(([, db]) => Number(db));
  };

  it.each<[string, () => RedisSource]>([
    ['a client of their own', () => server.client({ db: 3 })],
    ['a URL', () => `${server.url}/3`],
    ['options', () => ({ host: HOST, port: server.port, db: 3 })],
  ])('is the database that they chose, and no other (%s)', async (_what, source) => {
    const locks = await lockService({ redis: source() });
    const lock = await locks.acquire('a', { ttl: '1 minute' });
    expect(await dbsOf()).toEqual([3]);
    await direct.script('FLUSH');
    await lock.extend('2 minutes');
    expect(await lock.release()).toBe('released');
    await locks.forceRelease('a');
    expect(await dbsOf()).toEqual([3]);
  });

  it.each<[string, () => RedisSource]>([
    ['with stringNumbers', () => server.client({ stringNumbers: true })],
    ['with enableReadyCheck: false', () => server.client({ enableReadyCheck: false })],
    ['with lazyConnect', () => server.client({ lazyConnect: true })],
    ['with autopipelining', () => server.client({ enableAutoPipelining: true })],
    ['of a URL with options', () => `${server.url}?stringNumbers=true`],
  ])('may be a client %s', async (_what, source) => {
    const locks = await lockService({ redis: source() });
    const lock = await locks.acquire('a', { ttl: '1 minute' });
    expect(lock.fencingToken).toBeGreaterThan(1e15);
    expect(await locks.tryAcquire('a')).toBeNull();
    const lease = await locks.inspect('a');
    expect(lease).toMatchObject({ fencingToken: lock.fencingToken });
    expect(lease!.since.getTime()).toBeGreaterThan(Date.now() - 60_000);
    expect(lease!.remainingMs).toBeGreaterThan(0);
    await lock.extend('2 minutes');
    expect(await lock.release()).toBe('released');
    expect(await lock.release()).toBe('released');
    const gone = await locks.acquire('a');
    expect(await locks.forceRelease('a')).toMatchObject({ fencingToken: gone.fencingToken });
    expect(await gone.release()).toBe('expired');
  });
});

describe('a client that cannot keep the contract', () => {
  it('is refused with keyPrefix', async () => {
    const message = await refusal(server.client({ keyPrefix: 'app:' }));
    expect(message).toMatch(/keyPrefix "app:".*"prefix"/s);
    expect(await refusal({ host: HOST, port: server.port, keyPrefix: 'app:' })).toBe(message);
  });

  it('is refused in subscriber mode', async () => {
    // Where Redis 7 and RESP3 let a subscriber run commands, ioredis says so by its mode.
    const client = server.client({ protocol: 2 } as object);
    await client.subscribe('a');
    expect(await refusal(client)).toMatch(/is in subscriber mode.*duplicate\(\)/s);
  });

  it('is refused in monitor mode', async () => {
    const client = await direct.monitor();
    afterTest(() => client.disconnect());
    expect(await refusal(client)).toMatch(/is in monitor mode.*duplicate\(\)/s);
  });

  it('is refused when it is closed', async () => {
    const client = server.client();
    client.disconnect();
    await until(() => client.status === 'end', { what: 'it is closed' });
    expect(await refusal(client)).toContain('is closed');
  });

  it('is refused when it is read-only', async () => {
    expect(await refusal(server.client({ readOnly: true }))).toContain('is read-only');
  });
});

describe('a client that may slow locks down or fail early', () => {
  it.each([
    ['enableAutoPipelining', { enableAutoPipelining: true }],
    ['enableOfflineQueue: false', { enableOfflineQueue: false }],
  ])('is warned about once (%s)', async (option, options) => {
    const logger = new RecordingLogger();
    const client = server.client(options);
    await until(() => client.status === 'ready', { what: 'it is connected' });
    await lockService({ redis: client, logger });
    expect(logger.lines.filter((line) => line.startsWith('warn'))).toEqual([
      expect.stringContaining(option),
    ]);
  });

  it('is not warned about otherwise', async () => {
    const logger = new RecordingLogger();
    await lockService({ redis: server.client(), logger });
    await lockService({ redis: server.url, logger });
    expect(logger.lines.filter((line) => /^(warn|error)/.test(line))).toEqual([]);
  });
});

describe('a password', () => {
  const SECRET = 's3cr3t/w0rd';

  it.each([
    `http://:${encodeURIComponent(SECRET)}@localhost:6379`,
    `http://user:${SECRET}@localhost:6379`,
    `redis://user:${SECRET}@localhost:6379`,
    `redis://user:${SECRET}@:@localhost:6379`,
    `redis:/user:${SECRET}@localhost:6379`,
    `redis:user:${SECRET}@localhost:6379`,
    `user:${SECRET}@localhost:6379`,
    `localhost:6379?password=${SECRET}`,
    `redis://user:s3cr3t%w0rd@localhost:6379`,
  ])('of a URL that is none is not shown (%#)', async (url) => {
    const message = await refusal(url);
    expect(message).toContain('is no Redis URL');
    expect(message).not.toMatch(/s3cr3t|w0rd/);
  });

  it('is shown by no failure, whatever is printed of it', async () => {
    const { inspect } = await import('node:util');
    const password = encodeURIComponent(SECRET);
    for (const url of [
      `redis://user:${password}@${HOST}:${server.port}`,
      `redis://${HOST}:${server.port}?username=user&password=${password}`,
      `redis://user:${password}@${HOST}:1`,
    ]) {
      const logger = new RecordingLogger();
      const error = await errorOf(lockApp({ redis: url, connectTimeout: 200, logger }));
      const shown = inspect(error, { depth: 9 }) + (error as Error).stack + logger.lines.join();
      expect(shown).toContain('The lock store');
      expect(shown).not.toMatch(/s3cr3t|w0rd/);
    }
  });
});
