import { keysOf } from '../../../lib/stores/redis/redis-keys.js';
import type { RedisServer } from '../../support/redis-server.js';
import { until } from '../../support/until.js';
import { BUSY, LONG } from '../client/plan.js';
import { ClusterWorld } from '../stage/cluster-world.js';
import { SentinelWorld } from '../stage/sentinel-world.js';
import type { Stage } from '../stage/stage.js';
import { type Fault, RECONNECT_MS, untilDeadline } from './fault.js';

/** So that a holder is still certain when the next master knows nothing of its lease. */
const LONGER_THAN_A_FAILOVER = 8_000;

/** The master crashes with what it has not told its replicas. */
async function failOverWithoutLastWrites(stage: Stage<SentinelWorld>): Promise<void> {
  const { group } = stage.world;
  const master = await group.master();
  const replicas = await group.replicas();
  await stage.during('failover, last writes lost', async () => {
    // What is sent to a stopped replica is read in the end; so the master has to hang up on it, too.
    for (const replica of replicas) replica.pause();
    const direct = master.client();
    await direct.call('CLIENT', 'KILL', 'TYPE', 'replica');
    // Meanwhile locks are taken and renewed that nobody will remember.
    await stage.pass(700, 900);
    direct.disconnect();
    await master.kill();
    for (const replica of replicas) replica.resume();
    await group.promotedAfter(master);
  });
  stage.expectRecovery('failover, last writes lost', [BUSY]);
  await rejoin(stage, master);
}

/** The old master comes back, and is made a replica of the new one. */
async function rejoin(
  stage: Stage<SentinelWorld>,
  old: Awaited<ReturnType<SentinelWorld['group']['master']>>,
): Promise<void> {
  const promoted = await stage.world.group.master();
  await old.restart(['--replicaof', `${promoted.host} ${promoted.port}`]);
  await stage.pass(1_500);
}

async function becomesReplica(server: RedisServer): Promise<void> {
  const client = server.client();
  const isReplica = async () => {
    const [role] = await client.role().catch(() => []);
    return role === 'slave';
  };
  const what = 'the old master is a replica';
  await until(isReplica, { what, timeoutMs: 30_000, intervalMs: 20 });
  client.disconnect();
}

/** Moves the slot of a name with all its keys from its node to the next. */
async function moveSlot(stage: Stage<ClusterWorld>, name: string): Promise<void> {
  const { nodes, cluster } = stage.world;
  // The other libraries' key is the name itself; theirs or ours, all keys of the slot move.
  const isOurs = stage.common.library === 'nestjs-locker';
  const key = isOurs ? keysOf('lock', { name, kind: 'lock' }).lease : name;
  const slot = await nodes[0]!.cluster('KEYSLOT', key);
  const ranges = await nodes[0]!.cluster('SLOTS');
  const range = ranges.find(([first, last]) => first <= slot && slot <= last)!;
  const from = cluster.servers.findIndex(({ port }) => port === range[2]![1]);
  const to = (from + 1 + Math.floor(stage.random() * (nodes.length - 1))) % nodes.length;
  const [source, target] = [nodes[from]!, nodes[to]!];
  const [fromId, toId] = await Promise.all([source.cluster('MYID'), target.cluster('MYID')]);
  const { host, port } = cluster.servers[to]!;
  await target.cluster('SETSLOT', slot, 'IMPORTING', fromId);
  await source.cluster('SETSLOT', slot, 'MIGRATING', toId);
  // One key after the other, with time in between, as a big slot takes it.
  for (;;) {
    const [next] = (await source.call('CLUSTER', 'GETKEYSINSLOT', slot, 1)) as string[];
    if (next === undefined) break;
    await source.migrate(host, port, next, 0, 5_000);
    await stage.pass(0, 60);
  }
  for (const node of [target, source, ...nodes]) await node.cluster('SETSLOT', slot, 'NODE', toId);
}

export const deploymentFaults: readonly Fault[] = [
  {
    name: 'sentinel-failover',
    title: 'Sentinel: the role of the master is handed over',
    world: 'sentinel',
    reconnectMs: RECONNECT_MS,
    excuse: untilDeadline(),
    start: () => SentinelWorld.start(),
    async inject(stage) {
      const { group } = stage.world;
      const old = await group.master();
      await stage.during('failover', async () => {
        await group.failover();
        // Until then those who still know the old one get locks that the new one never hears of.
        await becomesReplica(old);
      });
      stage.expectRecovery('failover', [BUSY]);
      await stage.pass(1_000);
    },
  },
  {
    name: 'sentinel-writes-lost',
    title: 'Sentinel: the master crashes with its last writes',
    world: 'sentinel',
    reconnectMs: RECONNECT_MS,
    excuse: untilDeadline(LONGER_THAN_A_FAILOVER),
    ttlMs: LONGER_THAN_A_FAILOVER,
    start: () => SentinelWorld.start(),
    inject: failOverWithoutLastWrites,
  },
  {
    name: 'cluster-resharding',
    title: 'Cluster: the slot of a lock moves while it is held',
    world: 'cluster',
    start: () => ClusterWorld.start(),
    async inject(stage) {
      const name = stage.chance(0.6) ? LONG : BUSY;
      await stage.during(`slot of "${name}" moves`, () => moveSlot(stage, name));
      stage.expectRecovery('slot moves', [name]);
    },
  },
];
