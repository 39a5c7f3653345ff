import { afterEach, describe, expect, it } from '@jest/globals';
import { Cluster, Redis, type RedisOptions } from 'ioredis';
import { until } from '../../../test/support/until.js';
import { LockOptionsError } from '../../lock.errors.js';
import { RedisConnection, type RedisSource } from './redis-connection.js';

describe('RedisConnection', () => {
  const made: { disconnect(): void }[] = [];
  afterEach(() => {
    for (const client of made.splice(0)) client.disconnect();
  });

  const connectionTo = (source: RedisSource) => {
    const connection = new RedisConnection(source);
    made.push(connection.client);
    return connection;
  };
  const clientOf = (options: RedisOptions) => {
    const client = new Redis({ lazyConnect: true, ...options });
    made.push(client);
    return client;
  };

  it.each<[RedisSource, string]>([
    ['redis://localhost:6380', 'Redis at localhost:6380'],
    ['rediss://user:secret@redis.internal:6380/3', 'Redis at redis.internal:6380'],
    ['redis://localhost?password=secret', 'Redis at localhost:6379'],
    [{ host: 'a', port: 1, password: 'secret' }, 'Redis at a:1'],
    [{ path: '/run/redis.sock' }, 'Redis at /run/redis.sock'],
    [{ sentinels: [{ host: 'a', port: 1 }], name: 'main' }, 'Redis Sentinel group "main"'],
  ])('describes %p without its password', (source, description) => {
    expect(connectionTo(source).description).toBe(description);
  });

  it('describes a client of the user', () => {
    expect(connectionTo(clientOf({ host: 'a', port: 1 })).description).toBe('Redis at a:1');
    const cluster = new Cluster([{ host: 'a', port: 1 }], { lazyConnect: true });
    const connection = connectionTo(cluster);
    expect([connection.description, connection.isCluster]).toEqual(['Redis Cluster', true]);
  });

  it('connects nothing before it is opened', () => {
    expect(connectionTo('redis://localhost:1').client.status).toBe('wait');
    expect(connectionTo({ port: 1, lazyConnect: false }).client.status).toBe('wait');
  });

  it('uses a client of the user as it is, from whatever copy of ioredis', () => {
    const client = clientOf({});
    expect(connectionTo(client).client).toBe(client);
    const likeOurs = {
      evalsha() {},
      options: {},
      status: 'ready',
      mode: 'normal',
      disconnect() {},
    };
    expect(connectionTo(likeOurs as unknown as Redis).client).toBe(likeOurs);
  });

  it('neither opens nor closes a client of the user', async () => {
    const client = clientOf({});
    const connection = connectionTo(client);
    await connection.open();
    await connection.close();
    expect(client.status).toBe('wait');
  });

  it('does not fail to open where nobody answers, and keeps the reason', async () => {
    const connection = connectionTo('redis://127.0.0.1:1');
    await connection.open();
    expect(String(connection.lastError)).toContain('ECONNREFUSED');
    expect(connection.client.status).not.toBe('end'); // it goes on trying
  });

  it('closes a client of its own, also one that was never opened', async () => {
    const connection = connectionTo('redis://127.0.0.1:1');
    await connection.close();
    await until(() => connection.client.status === 'end', { what: 'it is closed' });
    expect(connection.client.status).toBe('end');
  });

  it.each(['localhost:6379', 'http://localhost', 'redis:localhost', 'redis://a b', ''])(
    'refuses %j, and says what to write',
    (url) => {
      const make = () => connectionTo(url);
      expect(make).toThrow(LockOptionsError);
      expect(make).toThrow(/is no Redis URL\. Write one such as 'redis:\/\/localhost:6379'/);
    },
  );

  it.each([
    [{ keyPrefix: 'app:' }, /keyPrefix "app:".*option "prefix"/],
    [{ readOnly: true }, /is read-only.*may write/],
  ])('refuses a client with %p, and the options too', (options, message) => {
    for (const source of [options, clientOf(options)]) {
      expect(() => connectionTo(source)).toThrow(LockOptionsError);
      expect(() => connectionTo(source)).toThrow(message);
    }
  });

  it.each([
    [{ enableAutoPipelining: true }, ['enableAutoPipelining']],
    [{ enableOfflineQueue: false }, ['enableOfflineQueue: false']],
    [{ maxRetriesPerRequest: null }, []],
    [{}, []],
  ])('warns about a client with %p', (options, words) => {
    const { notices } = connectionTo(clientOf(options));
    expect(notices).toEqual(words.map((word) => expect.stringContaining(word)));
  });
});
