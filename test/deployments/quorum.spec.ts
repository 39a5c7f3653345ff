import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { lockService } from '../support/lock-service.js';
import { RedisServer } from '../support/redis-server.js';

describe('Locks over three nodes', () => {
  let servers: RedisServer[];
  let urls: string[];
  beforeAll(async () => {
    servers = await Promise.all([1, 2, 3].map(() => RedisServer.start()));
    urls = servers.map(({ url }) => url);
  });

  afterAll(() => Promise.all(servers.map((server) => server.stop())));

  it('are taken by one at a time, with tokens that grow', async () => {
    const one = await lockService({ nodes: urls, firstDeployment: true });
    const two = await lockService({ nodes: urls, firstDeployment: true });
    const lock = await one.acquire('a');
    expect(await two.tryAcquire('a')).toBeNull();
    const waiting = two.acquire('a');
    await expect(lock.release()).resolves.toBe('released');
    const next = await waiting;
    expect(next.fencingToken).toBeGreaterThan(lock.fencingToken);
    await next.release();
    expect(one.nodes().map(({ state }) => state)).toEqual(['voting', 'voting', 'voting']);
  });
});
