import { BUSY, LONG } from '../client/plan.js';
import { NodesWorld } from '../stage/nodes-world.js';
import { SingleWorld } from '../stage/single-world.js';
import type { Stage } from '../stage/stage.js';
import { type Fault, TTL_MS } from './fault.js';

async function killHolder(stage: Stage): Promise<void> {
  const place = stage.pickHolder();
  await stage.during('SIGKILL of a client', async () => {
    const held = await stage.killClient(place);
    // Nobody can have these before their leases end.
    const names = [BUSY, LONG].filter((name) => held.includes(name));
    stage.expectRecovery('SIGKILL of a client', names.length > 0 ? names : [BUSY]);
    await stage.startClient(place);
  });
  await stage.clients[place]!.ready;
}

async function stopHolder(stage: Stage): Promise<void> {
  const place = stage.pickHolder();
  await stage.during('SIGSTOP of a client', async () => {
    const names = [BUSY, LONG].filter((name) => stage.clients[place]!.holds.includes(name));
    stage.expectRecovery('SIGSTOP of a client', names.length > 0 ? names : [BUSY]);
    await stage.standStill(place, stage.between(0.3 * TTL_MS, 2 * TTL_MS));
  });
}

async function stopWriter(stage: Stage): Promise<void> {
  const name = stage.chance(0.7) ? BUSY : LONG;
  await stage.during(`SIGSTOP of a writer of "${name}"`, async () => {
    const expectRecovery = () => stage.expectRecovery('SIGSTOP of a writer', [name]);
    await stage.stopNextWriter(name, stage.between(1.1, 2) * TTL_MS, expectRecovery);
  });
}

export const clientFaults: readonly Fault[] = [
  {
    name: 'none',
    title: 'none',
    world: 'single',
    start: () => SingleWorld.start(),
    inject: (stage) => stage.during('nothing', async () => stage.expectRecovery('nothing', [BUSY])),
  },
  {
    name: 'client-killed',
    title: 'a client is killed while it holds (SIGKILL), and another one comes',
    world: 'single',
    start: () => SingleWorld.start(),
    inject: killHolder,
  },
  {
    name: 'client-stopped',
    title: 'a client stands still while it holds (SIGSTOP), for up to twice the ttl',
    world: 'single',
    start: () => SingleWorld.start(),
    inject: stopHolder,
  },
  {
    name: 'writer-stopped',
    title:
      'a client stands still between its look at the lock and its write, for longer than the ttl',
    world: 'single',
    start: () => SingleWorld.start(),
    inject: stopWriter,
  },
  {
    name: 'nodes-client-stopped',
    title: 'three nodes: a client stands still while it holds',
    world: 'nodes',
    start: () => NodesWorld.start(),
    inject: stopHolder,
  },
  {
    name: 'nodes-writer-stopped',
    title: 'three nodes: a client stands still between its look and its write',
    world: 'nodes',
    start: () => NodesWorld.start(),
    inject: stopWriter,
  },
];
