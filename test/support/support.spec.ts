import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { Redis } from 'ioredis';
import { RedisCluster } from './redis-cluster.js';
import { RedisServer } from './redis-server.js';
import { SentinelGroup } from './sentinel-group.js';
import { TcpProxy } from './tcp-proxy.js';
import { until } from './until.js';

jest.setTimeout(40_000);

const cleanups: (() => unknown)[] = [];
const stopped = <T extends { stop(): Promise<void> }>(resource: T): T => {
  cleanups.push(() => resource.stop());
  return resource;
};

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

describe('until', () => {
  it('awaits a condition, even under fake timers', async () => {
    jest.useFakeTimers();
    cleanups.push(() => jest.useRealTimers());
    let asked = 0;
    await until(() => Promise.resolve(++asked === 3), { what: 'asked three times' });
    expect(asked).toBe(3);
  });

  it('names what it waited for, also when the condition never settles', async () => {
    const options = { what: 'pigs fly', timeoutMs: 20 };
    const message = 'timed out after 20 ms waiting until pigs fly';
    await expect(until(() => false, options)).rejects.toThrow(message);
    await expect(until(() => new Promise<boolean>(() => {}), options)).rejects.toThrow(message);
  });
});

describe('RedisServer', () => {
  it('pauses and resumes', async () => {
    const server = stopped(await RedisServer.start({ args: ['--maxmemory', '64mb'] }));
    const client = server.client();
    await expect(client.info('memory')).resolves.toContain('maxmemory:67108864');
    server.pause();
    let answered = false;
    const reply = client.ping().then(() => (answered = true));
    await expect(until(() => answered, { what: 'it answers', timeoutMs: 200 })).rejects.toThrow(
      'it answers',
    );
    server.resume();
    await reply;
    expect(answered).toBe(true);
  });

  it('crashes and comes back empty on the same port', async () => {
    const server = stopped(await RedisServer.start());
    const client = server.client({ retryStrategy: () => 10 });
    await client.set('key', 'value');
    const { pid, port } = server;
    await server.kill();
    expect(server.running).toBe(false);
    await server.restart();
    expect(server.port).toBe(port);
    expect(server.pid).not.toBe(pid);
    await expect(client.get('key')).resolves.toBeNull();
  });

  it('stops its clients and itself, and says why it does not start', async () => {
    const server = await RedisServer.start();
    const client = server.client();
    await client.ping();
    const failing = RedisServer.start({ port: server.port });
    await expect(failing).rejects.toThrow(`the server on port ${server.port} did not start`);
    await client.ping();
    await server.stop();
    await server.stop();
    await until(() => client.status === 'end', { what: 'the client ended' });
    expect(() => process.kill(server.pid, 0)).toThrow('ESRCH');
  });
});

describe('TcpProxy', () => {
  it('passes traffic on, and loses it when told to', async () => {
    const server = stopped(await RedisServer.start());
    const proxy = stopped(await TcpProxy.start(server.port));
    const direct = server.client();
    const client = new Redis(proxy.url, { retryStrategy: () => 10, maxRetriesPerRequest: 0 });
    client.on('error', () => {});
    cleanups.push(() => client.disconnect());

    const seen: string[] = [];
    proxy.onRequest = (data) => seen.push(data.toString());
    await client.set('key', '1');
    expect(seen.join('')).toContain('key');

    proxy.dropReplies = true;
    const unheard = client.incr('key');
    unheard.catch(() => {});
    await until(async () => (await direct.get('key')) === '2', { what: 'the request arrived' });
    proxy.refuse = true;
    proxy.cut();
    await expect(unheard).rejects.toThrow(/max retries|closed/i);
    proxy.dropReplies = false;

    let closed = 0;
    client.on('close', () => closed++);
    await until(() => closed === 3, { what: 'connections are refused' });
    proxy.refuse = false;
    await until(() => client.status === 'ready', { what: 'the client is back' });

    proxy.dropRequests = true;
    const unsent = client.incr('key');
    unsent.catch(() => {});
    await until(() => seen.at(-1)!.toLowerCase().includes('incr'), { what: 'it was sent' });
    proxy.dropRequests = false;
    proxy.cut();
    await expect(unsent).rejects.toThrow(/max retries|closed/i);
    await until(() => client.status === 'ready', { what: 'the client is back again' });
    await expect(client.get('key')).resolves.toBe('2');
  });

  it('delays, in order', async () => {
    const server = stopped(await RedisServer.start());
    const proxy = stopped(await TcpProxy.start(server.port));
    const client = new Redis(proxy.url);
    cleanups.push(() => client.disconnect());
    await client.ping();

    const took = async (delayMs: TcpProxy['delayMs']) => {
      proxy.delayMs = delayMs;
      const start = performance.now();
      await client.ping();
      return performance.now() - start;
    };
    expect(await took(60)).toBeGreaterThanOrEqual(120);
    expect(await took({ replies: 60 })).toBeGreaterThanOrEqual(60);

    proxy.delayMs = { requests: 60 };
    const first = client.rpush('list', 'first');
    await new Promise(setImmediate);
    proxy.delayMs = 0;
    await Promise.all([first, client.rpush('list', 'second')]);
    await expect(client.lrange('list', 0, -1)).resolves.toEqual(['first', 'second']);
  });

  it('repeats what is sent on another connection, in order, and its client hears nothing of it', async () => {
    const server = stopped(await RedisServer.start());
    const proxy = stopped(await TcpProxy.start(server.port));
    const client = new Redis(proxy.url);
    cleanups.push(() => client.disconnect());
    await client.ping();

    proxy.repeatAfterMs = () => 20;
    expect(await client.rpush('list', 'first')).toBe(1);
    // Not in one piece with it, and before its repetition.
    expect(await client.rpush('list', 'second')).toBe(2);
    const length = async () => (await server.client().llen('list')) === 4;
    await until(length, { what: 'both came once more' });
    delete proxy.repeatAfterMs;
    const all = ['first', 'second', 'first', 'second'];
    await expect(client.lrange('list', 0, -1)).resolves.toEqual(all);
  });
});

describe('RedisCluster', () => {
  it('spreads keys over three masters', async () => {
    const cluster = stopped(await RedisCluster.start());
    const client = cluster.client();
    await Promise.all(Array.from({ length: 30 }, (_, index) => client.set(`key:${index}`, 'x')));
    const sizes = await Promise.all(cluster.servers.map((server) => server.client().dbsize()));
    expect(Math.min(...sizes)).toBeGreaterThan(0);
    expect(sizes.reduce((total, size) => total + size)).toBe(30);
  });
});

describe('SentinelGroup', () => {
  it('fails over on request and after a crash, and clients follow', async () => {
    const group = stopped(await SentinelGroup.start());
    expect(await group.replicas()).toHaveLength(2);
    const client = new Redis({ sentinels: group.sentinels, name: group.name });
    client.on('error', () => {});
    cleanups.push(() => client.disconnect());
    await client.set('key', 'value');
    await client.wait(2, 1000);

    const first = await group.master();
    await group.failover();
    const second = await group.master();
    expect(second).not.toBe(first);

    expect(await group.killMaster()).toBe(second);
    const third = await group.promotedAfter(second);
    expect(third).not.toBe(second);
    expect(await group.replicas()).not.toContain(second);
    await until(async () => (await client.set('key', 'again').catch(() => '')) === 'OK', {
      what: 'the client found the new master',
      timeoutMs: 15_000,
    });
    await expect(third.client().get('key')).resolves.toBe('again');
  });
});
