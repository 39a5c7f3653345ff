import type { LeaseRecord } from '../lock-store.interface.js';
import type { NodeLease, NodeReply } from './node-port.interface.js';

/** Whom most nodes have, of those that have anybody. */
export interface Finding {
  readonly lease: NodeLease | undefined;
  /** How many have that one. */
  readonly have: number;
  /** The leases of all. */
  readonly leases: readonly NodeLease[];
  readonly waiting: number;
}

export function findHolder(replies: readonly (NodeReply | undefined)[]): Finding {
  const byMark = new Map<string, NodeLease[]>();
  const leases: NodeLease[] = [];
  let waiting = 0;
  for (const reply of replies) {
    if (reply?.type === 'found') waiting = Math.max(waiting, reply.waiting);
    const lease = reply && 'lease' in reply ? reply.lease : undefined;
    if (!lease) continue;
    leases.push(lease);
    const same = byMark.get(lease.mark);
    if (same) same.push(lease);
    else byMark.set(lease.mark, [lease]);
  }
  const [most = []] = [...byMark.values()].sort((a, b) => b.length - a.length);
  return { lease: mostCommon(most), have: most.length, leases, waiting };
}

/** A node may have kept a token that the others never took; of those with the same one, the one that ends first. */
function mostCommon(leases: readonly NodeLease[]): NodeLease | undefined {
  const count = ({ fencingToken }: NodeLease): number =>
    leases.filter((other) => other.fencingToken === fencingToken).length;
  return [...leases].sort((a, b) => count(b) - count(a) || a.remainingMs - b.remainingMs)[0];
}

export function toLeaseRecord(lease: NodeLease, nodes?: LeaseRecord['nodes']): LeaseRecord {
  const { holder, fencingToken, sinceMs, remainingMs } = lease;
  const record = { holder, fencingToken, since: new Date(sinceMs), remainingMs, units: 0 };
  return nodes ? { ...record, nodes } : record;
}
