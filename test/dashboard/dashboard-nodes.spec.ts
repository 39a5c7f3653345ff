import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { LockModule, type NodeStatus } from 'nestjs-locker';
import { LockDashboardModule } from 'nestjs-locker/dashboard';
import { startHttpApp } from '../nest/fixtures/app.js';
import { RedisNodes } from '../support/redis-nodes.js';
import { until } from '../support/until.js';

interface Store {
  readonly isReachable: boolean;
  readonly nodes: readonly (NodeStatus & { readonly latencyMs: number | null })[];
}

let nodes: RedisNodes;
beforeAll(async () => {
  nodes = await RedisNodes.start(3);
});
afterAll(() => nodes.stop());

it('the page tells of each node whether it votes, how fast it is and how far its clock is off', async () => {
  const { url } = await startHttpApp({
    imports: [
      LockModule.forRoot({ name: 'nodes', nodes: nodes.urls, firstDeployment: true }),
      LockDashboardModule.forRoot({ using: 'nodes', refresh: '500ms' }),
    ],
  });
  const ask = async () => (await (await fetch(`${url}/locks/api/store`)).json()) as Store;
  const all = await ask();
  expect(all.isReachable).toBe(true);
  expect(all.nodes.map(({ node }) => node)).toEqual(
    nodes.servers.map(({ port }) => `Redis at 127.0.0.1:${port}`),
  );
  for (const node of all.nodes) {
    expect(node).toMatchObject({ state: 'voting', latencyMs: expect.any(Number) });
    expect(Math.abs(node.clockOffsetMs!)).toBeLessThan(1_000);
  }

  await nodes.kill(1);
  const isTold = async () => (await ask()).nodes[1]!.state === 'unreachable';
  await until(isTold, { what: 'it is told', timeoutMs: 10_000 });
  const { isReachable, nodes: left } = await ask();
  expect(isReachable).toBe(true);
  expect(left.map(({ latencyMs }) => latencyMs === null)).toEqual([false, true, false]);
});
