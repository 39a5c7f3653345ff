import { BUSY } from '../client/plan.js';
import { NodesWorld } from '../stage/nodes-world.js';
import type { Stage } from '../stage/stage.js';
import { type Fault, RECONNECT_MS, TTL_MS } from './fault.js';

const start = () => NodesWorld.start();

const pickNode = (stage: Stage<NodesWorld>) =>
  Math.floor(stage.random() * stage.world.nodes.servers.length);

async function meanwhile(
  stage: Stage<NodesWorld>,
  what: string,
  hit: (node: number) => unknown,
  heal: (node: number) => unknown = () => undefined,
): Promise<void> {
  const node = pickNode(stage);
  await stage.during(`${what}, n${node}`, async () => {
    await hit(node);
    // It stays while locks must go on being taken: from here on.
    stage.expectRecovery(what, [BUSY]);
    await stage.pass(0.5 * TTL_MS, 1.5 * TTL_MS);
    await heal(node);
  });
  // A node that has forgotten its votes does not vote for a ttl; the next one waits for it.
  await stage.pass(1.5 * TTL_MS);
}

export const nodeFaults: readonly Fault[] = [
  {
    name: 'nodes-one-killed',
    title: 'three nodes: one is killed, and comes back without its data',
    world: 'nodes',
    start,
    inject: (stage) =>
      meanwhile(
        stage,
        'a node killed',
        (node) => stage.world.nodes.kill(node),
        (node) => stage.world.nodes.restart(node),
      ),
  },
  {
    name: 'nodes-one-stopped',
    title: 'three nodes: one stands still for a while',
    world: 'nodes',
    start,
    inject: (stage) =>
      meanwhile(
        stage,
        'a node stopped',
        (node) => stage.world.nodes.pause(node),
        (node) => stage.world.nodes.resume(node),
      ),
  },
  {
    name: 'nodes-one-cut-off',
    title: 'three nodes: a client is cut off from one',
    world: 'nodes',
    start,
    inject: (stage) => {
      const links = stage.world.links[stage.pickHolder()]!;
      return meanwhile(
        stage,
        'a client cut off from a node',
        (node) => links.cutOff(node),
        (node) => links.heal(node),
      );
    },
  },
  {
    name: 'nodes-majority-cut-off',
    title: 'three nodes: a client is cut off from two',
    world: 'nodes',
    reconnectMs: RECONNECT_MS,
    start,
    inject: (stage) => {
      const links = stage.world.links[stage.pickHolder()]!;
      return meanwhile(
        stage,
        'a client cut off from two nodes',
        (node) => links.cutOff(node, (node + 1) % 3),
        () => links.heal(),
      );
    },
  },
  {
    name: 'nodes-flushall',
    title: 'three nodes: FLUSHALL on one',
    world: 'nodes',
    start,
    inject: (stage) =>
      meanwhile(stage, 'FLUSHALL on a node', async (node) => {
        const client = stage.world.nodes.servers[node]!.client();
        await client.flushall();
        client.disconnect();
      }),
  },
  {
    name: 'nodes-clock-forward',
    title: "three nodes: one's clock is stepped forward by more than the ttl, and right again",
    world: 'nodes',
    start,
    inject(stage) {
      // With two clocks that are off, no majority is left that agrees on the time.
      const shift = stage.between(1.2, 3) * TTL_MS;
      const step = (node: number, ms: number) => stage.world.nodes.servers[node]!.stepClock(ms);
      return meanwhile(
        stage,
        "a node's clock forward",
        (node) => step(node, shift),
        (node) => step(node, -shift),
      );
    },
  },
];
