import { randomUUID } from 'node:crypto';
import { afterAll, describe, expect, it, jest } from '@jest/globals';
import { Test } from '@nestjs/testing';
import { Redis } from 'ioredis';
import { LockModule, LockService, type LockModuleOptions } from 'nestjs-locker';
import { Child } from '../support/child-process.js';
import { afterTest } from '../support/lock-service.js';
import { RedisServer } from '../support/redis-server.js';

// Processes start and end.
jest.setTimeout(60_000);

const url = process.env['REDIS_URL']!;
const { hostname: host, port } = new URL(url);

describe('the option redis', () => {
  const probe = new Redis(url);
  afterAll(() => probe.quit());

  /** What keys the server has while a module with these options holds a lock. */
  async function keysWithLock(options: LockModuleOptions): Promise<string[]> {
    const app = await Test.createTestingModule({
      imports: [LockModule.forRoot(options)],
    }).compile();
    await app.init();
    try {
      const name = `module-redis:${randomUUID()}`;
      return await app.get(LockService).withLock(name, () => probe.keys(`*${name}*`));
    } finally {
      await app.close();
    }
  }

  it.each([
    ['a URL', url],
    ["ioredis' options", { host, port: Number(port) }],
  ])('takes %s', async (_what, redis) => {
    expect(await keysWithLock({ redis })).toEqual([expect.stringMatching(/^lock:/)]);
  });

  it.each([
    ['that is connected', {}],
    ['that has not connected yet', { lazyConnect: true }],
  ])('takes a client %s, and leaves it open', async (_what, options) => {
    const client = new Redis(url, options);
    expect(await keysWithLock({ redis: client })).toHaveLength(1);
    expect(await client.ping()).toBe('PONG');
    await client.quit();
  });

  it('goes with a prefix', async () => {
    const keys = await keysWithLock({ redis: url, prefix: 'of-its-own' });
    expect(keys).toEqual([expect.stringMatching(/^of-its-own:/)]);
  });

  it('does not start on a database that the server does not have', async () => {
    await expect(keysWithLock({ redis: `${url}/99` })).rejects.toThrow('DB index is out of range');
  });

  it.each([
    ['no argument', () => LockModule.forRoot()],
    ['{}', () => LockModule.forRoot({})],
    ['undefined', () => LockModule.forRoot({ redis: undefined })],
  ])('is localhost:6379 by default: %s', async (_, imported) => {
    const app = await Test.createTestingModule({ imports: [imported()] }).compile();
    expect(app.get(LockService)['store'].description).toBe('Redis at localhost:6379');
    await app.close();
  });
});

describe('while Redis is out of reach', () => {
  interface Failure {
    name: string;
    message: string;
    everything: string;
    started: string[];
  }

  /** Starts an application in a process of its own, which ends by itself once it has failed. */
  async function failureToStart(redis: string): Promise<Failure> {
    const child = Child.start(new URL('fixtures/cannot-start.ts', import.meta.url), redis);
    const failure = await child.told<Failure>('failed');
    expect(await child.exit()).toMatchObject({ code: 0, errors: '' });
    expect(failure).toMatchObject({ name: 'LockStoreError', started: [] });
    expect(failure.everything).not.toContain('sesame');
    return failure;
  }

  it('the application does not start, and the error names the address, not the password', async () => {
    const server = await RedisServer.start();
    await server.stop();
    const { message } = await failureToStart(`redis://user:sesame@127.0.0.1:${server.port}`);
    expect(message).toContain(`Redis at 127.0.0.1:${server.port}`);
    expect(message).toContain('ECONNREFUSED');
  });

  it('nor with a server that hangs', async () => {
    const server = await RedisServer.start();
    afterTest(() => server.stop());
    server.pause();
    const { message } = await failureToStart(`redis://:sesame@127.0.0.1:${server.port}`);
    expect(message).toContain(`Redis at 127.0.0.1:${server.port}`);
  });

  it('nor with a wrong password, which is told and not shown', async () => {
    const server = await RedisServer.start();
    afterTest(() => server.stop());
    const admin = new Redis(server.url);
    await admin.config('SET', 'requirepass', 'open');
    admin.disconnect();
    const { message } = await failureToStart(`redis://:sesame@127.0.0.1:${server.port}`);
    expect(message).toMatch(/WRONGPASS|invalid password/);
  });
});
