import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { Redis } from 'ioredis';
import { LockStoreError, type RedisSource } from 'nestjs-locker';
import { inspect } from 'node:util';
import { leaseKey, lockKeys } from '../support/lease-end.js';
import { errorOf, eventsOf, lockApp, lockService } from '../support/lock-service.js';
import { RedisServer } from '../support/redis-server.js';
import { until } from '../support/until.js';

jest.setTimeout(30_000);

let server: RedisServer;
let direct: Redis;
beforeEach(async () => {
  server = await RedisServer.start();
  direct = server.client();
});
afterEach(() => server.stop());

/** The message of a store error, which has the client's own error as its cause and tells nothing secret. */
async function refusal(call: Promise<unknown>): Promise<string> {
  const error = (await errorOf(call)) as LockStoreError;
  expect(error).toBeInstanceOf(LockStoreError);
  expect(error.message).toContain(`Redis at 127.0.0.1:${server.port}`);
  expect(error.message).toContain((error.cause as Error).message);
  expect(inspect(error, { depth: 9 })).not.toMatch(/[0-9a-f]{8}-[0-9a-f]{4}-/); // an owner
  return error.message;
}

describe('Redis refuses a command', () => {
  it('that it has forgotten: it is sent in full', async () => {
    const locks = await lockService({ redis: server.url, ttl: 300 });
    const lock = await locks.acquire('a');
    await direct.script('FLUSH');
    const forgottenAt = performance.now();
    await until(() => performance.now() - forgottenAt > 600, { what: 'it must have been renewed' });
    expect(lock.isHeld).toBe(true);
    for (const operate of [
      () => locks.inspect('a'),
      () => lock.extend('1 minute'),
      () => locks.tryAcquire('b'),
      () => lock.release(),
      () => locks.forceRelease('b'),
    ]) {
      await direct.script('FLUSH');
      await expect(operate()).resolves.not.toThrow();
    }
    expect([await locks.inspect('a'), await locks.inspect('b')]).toEqual([null, null]);
  });

  it('for a key of another type', async () => {
    const locks = await lockService({ redis: server.url });
    await direct.set(leaseKey('a'), 'not ours');
    expect(await refusal(locks.acquire('a'))).toContain('WRONGTYPE');
    expect(await refusal(locks.tryAcquire('a'))).toContain('WRONGTYPE');
    expect(await refusal(locks.withLock('a', () => 'done'))).toContain('WRONGTYPE');
    expect(await refusal(locks.inspect('a'))).toContain('WRONGTYPE');
    expect(await direct.get(leaseKey('a'))).toBe('not ours');
    expect(await locks.withLock('b', () => 'done')).toBe('done');
  });

  it('for a token counter of another type', async () => {
    const locks = await lockService({ redis: server.url });
    await direct.del(lockKeys('a').tokenCounter);
    await direct.lpush(lockKeys('a').tokenCounter, 'not ours');
    expect(await refusal(locks.acquire('a'))).toContain('WRONGTYPE');
    expect(await locks.inspect('a')).toBeNull();
  });

  it('for want of memory, and gives back what is held all the same', async () => {
    const locks = await lockService({ redis: server.url });
    const events = eventsOf(locks);
    const lock = await locks.acquire('a');
    await direct.config('SET', 'maxmemory', '1');
    expect(await refusal(locks.acquire('b'))).toContain('OOM');
    expect(await refusal(locks.tryAcquire('b'))).toContain('OOM');
    expect(await refusal(locks.withLock('b', () => 'done'))).toContain('OOM');
    expect(await lock.release()).toBe('released');
    expect(events.map(({ type }) => type)).not.toContain('lost');
    await direct.config('SET', 'maxmemory', '0');
    expect(await locks.withLock('b', () => 'done')).toBe('done');
  });

  it('because it has become a replica', async () => {
    const locks = await lockService({ redis: server.client() });
    await direct.replicaof('127.0.0.1', 1);
    expect(await refusal(locks.acquire('a'))).toContain('READONLY');
  });

  it('because a password has been set', async () => {
    const client = server.client();
    const locks = await lockService({ redis: client });
    await direct.acl('SETUSER', 'default', 'resetpass', '>secret', '-@all');
    expect(await refusal(locks.acquire('a'))).toContain('NOPERM');
  });
});

describe('the application does not start, and says why', () => {
  const startWith = (redis: RedisSource) => lockApp({ redis, connectTimeout: 1_000 });

  it('without memory', async () => {
    await direct.config('SET', 'maxmemory', '1');
    for (const redis of [server.url, server.client()]) {
      expect(await refusal(startWith(redis))).toMatch(/OOM.*maxmemory.*check that the store/s);
    }
  });

  it('without the password that is needed', async () => {
    await direct.config('SET', 'requirepass', 'secret');
    expect(await refusal(startWith(server.url))).toMatch(/NOAUTH.*check that the store/s);
  });

  it('with a wrong password', async () => {
    await direct.config('SET', 'requirepass', 'secret');
    const wrong = server.url.replace('//', '//:wrong@');
    const message = await refusal(startWith(wrong));
    expect(message).toContain('WRONGPASS');
    expect(message).not.toContain(':wrong');
  });

  it('with a user who may not write', async () => {
    await direct.acl(
      'SETUSER',
      'reader',
      'on',
      '>secret',
      '~*',
      '+@read',
      '+info',
      '+hello',
      '+client',
    );
    const reader = server.url.replace('//', '//reader:secret@');
    expect(await refusal(startWith(reader))).toContain('NOPERM');
  });

  it('with a user who may not do a part of a step', async () => {
    const rights = ['on', '>secret', '~*', '&*', '+@all', '-hgetall'];
    await direct.acl('SETUSER', 'partial', ...rights);
    const partial = server.url.replace('//', '//partial:secret@');
    const start = performance.now();
    const refused = await refusal(lockApp({ redis: partial, connectTimeout: 20_000 }));
    expect(refused).toMatch(/NOPERM|can't run this command/);
    expect(performance.now() - start).toBeLessThan(10_000);
  });

  it('on a replica', async () => {
    await direct.replicaof('127.0.0.1', 1);
    for (const redis of [server.url, server.client()]) {
      expect(await refusal(startWith(redis))).toContain(
        "You can't write against a read only replica",
      );
    }
  });
});
