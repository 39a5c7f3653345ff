import type { ManualClock } from 'nestjs-locker/testing';
import { markerText } from '../../lib/stores/quorum/node-port.interface.js';
import { QuorumLockStore } from '../../lib/stores/quorum/quorum-lock.store.js';
import { NodeAtHand, settled } from './node-at-hand.js';

/** Nodes that vote as soon as they are connected. */
export function votingNodes(count: number, clock: ManualClock, maxTtlMs: number): NodeAtHand[] {
  return Array.from({ length: count }, (_, i) => {
    const node = new NodeAtHand(i, clock);
    const { runId, aheadMs: sinceMs } = node;
    const how = { isDurable: false, votesFromMs: 0, isByMost: false, maxTtlMs } as const;
    node.text = markerText({ state: 'voting', reason: 'first', runId, sinceMs, ...how });
    return node;
  });
}

/** A store over such nodes, all of which vote. */
export async function storeOverNodes(
  ports: readonly NodeAtHand[],
  clock: ManualClock,
  maxTtlMs: number,
): Promise<QuorumLockStore> {
  const options = { maxTtlMs, nodeTimeoutMs: 500, isFirstDeployment: false };
  const store = new QuorumLockStore(ports, { clock, ...options });
  void store.connect();
  for (const port of ports) port.connect();
  await settled();
  return store;
}
