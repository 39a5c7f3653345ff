import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import type { HeldPage, LockService } from 'nestjs-locker';
import { lockService } from '../support/lock-service.js';
import { RedisCluster } from '../support/redis-cluster.js';
import { until } from '../support/until.js';

jest.setTimeout(60_000);

const PROCESSES = 6;
const NAMES_OF_ONE = 40;

let cluster: RedisCluster;
beforeAll(async () => {
  cluster = await RedisCluster.start();
});
afterAll(() => cluster.stop());

const serviceOf = (service: string): Promise<LockService> =>
  lockService({ redis: cluster.client(), service, reports: 100 });

it('the overview of a Cluster is that of all processes, whatever slots their names and reports are in', async () => {
  const services = await Promise.all(
    Array.from({ length: PROCESSES }, (_, i) => serviceOf(`worker-${i}`)),
  );
  const names = services.flatMap((_, i) =>
    Array.from({ length: NAMES_OF_ONE }, (__, k) => `invoice:${i}:${k}`),
  );
  await Promise.all(
    names.map((name, n) =>
      services[Math.floor(n / NAMES_OF_ONE)]!.acquire(name, { ttl: '1 minute' }),
    ),
  );
  const viewer = await serviceOf('viewer');
  const listed = async (query: object = {}): Promise<string[]> => {
    const found: string[] = [];
    let page: HeldPage | undefined;
    do {
      page = await viewer.overview.held({ limit: 50, ...query, cursor: page?.cursor });
      found.push(...page.names.map(({ name }) => name));
    } while (page.cursor !== undefined);
    return found;
  };
  await until(async () => (await listed()).length === names.length, {
    what: 'all are listed',
    timeoutMs: 20_000,
    intervalMs: 100,
  });
  expect((await listed()).sort()).toEqual([...names].sort());
  expect(await listed({ search: 'invoice:3:?' })).toHaveLength(10);
  const told = (await viewer.overview.processes()).map(({ process }) => process.service);
  expect(told).toEqual(['viewer', ...services.map((_, i) => `worker-${i}`)]);

  const waiter = services[1]!.acquire('invoice:0:0', { wait: '30s' });
  const queue = () => viewer.overview.queueOf({ name: 'invoice:0:0', kind: 'lock' });
  await until(async () => (await queue()).length === 1, { what: 'somebody waits' });
  expect(await queue()).toMatchObject([{ holder: { service: 'worker-1' } }]);
  await viewer.forceRelease('invoice:0:0');
  await (await waiter).release();
  const forced = async () =>
    (await services[2]!.overview.events()).filter(({ type }) => type === 'forced');
  await until(async () => (await forced()).length === 1, { what: 'it is told to all' });
  expect(await forced()).toMatchObject([{ name: 'invoice:0:0', process: { service: 'viewer' } }]);
});
