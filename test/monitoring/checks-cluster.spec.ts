import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import type { Cluster } from 'ioredis';
import { command } from '../support/command.js';
import { lockService } from '../support/lock-service.js';
import { RedisCluster } from '../support/redis-cluster.js';
import { until } from '../support/until.js';

jest.setTimeout(60_000);

const CHECK = { timeout: '5s', maxLatency: '10s', thorough: true } as const;

let cluster: RedisCluster;
let client: Cluster;
beforeAll(async () => {
  cluster = await RedisCluster.start();
  client = cluster.client();
});
afterAll(() => cluster.stop());

it('looks at every master of a Cluster, and tells which one fails', async () => {
  const locks = await lockService({ redis: client });
  const well = await locks.check(CHECK);
  expect(well.findings.filter(({ severity }) => severity !== 'ok').map(({ code }) => code)).toEqual(
    ['persistence', 'persistence', 'persistence'],
  );
  const { servers, cluster: state, handOvers } = well.survey;
  const ports = cluster.servers.map(({ port }) => port).sort((a, b) => a - b);
  expect(servers.map(({ server }) => Number(server.split(':')[1])).sort((a, b) => a - b)).toEqual(
    ports,
  );
  expect(servers).toEqual(
    ports.map(() =>
      expect.objectContaining({ role: 'master', error: null, missing: [], node: null }),
    ),
  );
  expect({ state, handOvers }).toEqual({
    state: { isComplete: true, state: 'ok' },
    handOvers: { how: 'push', error: null },
  });

  const full = cluster.servers[1]!.client();
  await full.config('SET', 'maxmemory', '1');
  const { findings } = await locks.check(CHECK);
  await full.config('SET', 'maxmemory', '0');
  expect(findings.find(({ severity }) => severity === 'fail')).toMatchObject({
    code: 'write',
    server: `Redis at 127.0.0.1:${cluster.servers[1]!.port}`,
    text: expect.stringContaining('no memory'),
  });
});

it('is looked at by the command', async () => {
  const { port } = cluster.servers[0]!;
  const locks = await lockService({ redis: client, reports: '100ms' });
  const lock = await locks.acquire('invoice:42', { ttl: '60s' });
  const listed = async () =>
    (await locks.overview.held()).names.some(({ name }) => name === 'invoice:42');
  await until(listed, { what: 'it is listed', timeoutMs: 15_000 });
  const url = `redis://127.0.0.1:${port}`;
  const { code, out } = await command(['list', '--cluster', '--timeout', '20s', '--redis', url]);
  expect({ code, out }).toEqual({
    code: 0,
    out: expect.stringContaining(String(lock.fencingToken)),
  });
  const alone = await command(['doctor', '--redis', url]);
  expect(alone.code).toBe(2);
  expect(alone.out).toContain('is one node of a Redis Cluster');
});

it('tells that a master is gone', async () => {
  const locks = await lockService({ redis: client });
  await cluster.servers[2]!.kill();
  const isTold = async () => {
    const { status, findings } = await locks.check({ timeout: '1s', maxLatency: '10s' });
    const gone = `Redis at 127.0.0.1:${cluster.servers[2]!.port}`;
    return (
      status === 'fail' &&
      findings.some(({ code }) => code === 'cluster') &&
      findings.some(({ server, severity }) => server === gone && severity === 'fail')
    );
  };
  await expect(until(isTold, { what: 'it is told', timeoutMs: 20_000 })).resolves.toBeUndefined();
});
