import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { LockService } from 'nestjs-locker';
import { untilAllVote } from '../support/quorum.js';
import { RedisNodes } from '../support/redis-nodes.js';
import { until } from '../support/until.js';
import { DEGRADED, type Health, type HealthApp, healthApp } from './fixtures/health-app.js';

let nodes: RedisNodes;
let app: HealthApp;
beforeAll(async () => {
  nodes = await RedisNodes.start(3);
  app = await healthApp({ nodes: nodes.urls, ttl: '1s', firstDeployment: true });
  await untilAllVote(app.app.get(LockService));
});
afterAll(async () => {
  await app.app.close();
  await nodes.stop();
});

async function untilWritable(count: number): Promise<Health> {
  let last: Health | undefined;
  const isSo = async () => {
    last = await app.health();
    return last.locks['writable'] === count;
  };
  await until(isSo, { what: `${count} nodes take writes`, timeoutMs: 25_000 }).catch(
    (error: Error) => {
      throw new Error(`${error.message}: ${last?.body}`);
    },
  );
  return last!;
}

it('is up while all of them vote', async () => {
  const { locks, status } = await untilWritable(3);
  expect(status).toBe('ok');
  expect(locks).toMatchObject({ status: 'up', servers: 3, writable: 3, needed: 2 });
  expect(locks['latencyMs']).toBeGreaterThan(0);
  expect(locks['clockOffsetMs']).toEqual(expect.any(Number));
});

it('is degraded while one of three takes no writes, though it votes', async () => {
  const direct = nodes.servers[0]!.client();
  await direct.config('SET', 'maxmemory', '1');
  const answer = await untilWritable(2);
  expect(answer).toMatchObject({ ...DEGRADED, httpStatus: 200, problems: ['quorum', 'write'] });
  expect(answer.body).toContain('2 of 3 nodes vote, and 2 are needed');
  expect(answer.body).toContain('has no memory left');
  await direct.config('SET', 'maxmemory', '0');
  expect((await untilWritable(3)).status).toBe('ok');
});

it('is degraded while one of three is gone, and down when a majority is', async () => {
  await nodes.kill(0);
  const one = await untilWritable(2);
  expect(one).toMatchObject({ ...DEGRADED, httpStatus: 200 });
  expect(one.problems[0]).toBe('quorum');
  expect(one.body).not.toContain('127.0.0.1');

  nodes.pause(1);
  const two = await untilWritable(1);
  expect(two).toMatchObject({ httpStatus: 503, status: 'error', locks: { status: 'down' } });
  expect(two.body).toContain('1 of 3 nodes vote, and 2 are needed');
  expect(two.body).not.toContain('127.0.0.1');

  nodes.resume(1);
  await nodes.restart(0);
  expect((await untilWritable(2)).locks).toMatchObject(DEGRADED.locks);
  expect((await untilWritable(3)).status).toBe('ok');
});
