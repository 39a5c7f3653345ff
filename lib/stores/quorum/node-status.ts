import type { NodeStatus } from '../lock-store.interface.js';
import type { NodeAdmission } from './node-admission.js';
import type { QuorumNode } from './quorum-node.js';

/** What whoever runs it is told of a node. */
export function statusOf(node: QuorumNode, admission: NodeAdmission, now: number): NodeStatus {
  const { description, time } = node;
  const { standing, marker, problem, hindrance } = admission;
  const clockOffsetMs = time.isKnown ? time.timeAt(now) - Date.now() : null;
  const common = { node: description, clockOffsetMs, reason: null, votesInMs: null, error: null };
  if (standing === 'unreachable')
    return { ...common, state: 'unreachable', error: problem ?? null };
  if (standing === 'blank') return { ...common, state: 'blank' };
  if (standing === 'quarantined') {
    const byItsClock = (marker?.votesFromMs ?? 0) - time.timeAt(now);
    const leftMs = admission.quarantineLeftMs();
    const votesInMs = Math.max(0, byItsClock > 0 ? Math.min(byItsClock, leftMs) : leftMs);
    const reason = marker?.reason === 'first' ? null : (marker?.reason ?? null);
    return { ...common, state: 'quarantined', reason, votesInMs, error: hindrance ?? null };
  }
  if (node.isSilent) return { ...common, state: 'silent' };
  if (node.isSkewed) return { ...common, state: 'skewed' };
  if (node.isSuspect) return { ...common, state: 'suspect' };
  return { ...common, state: 'voting' };
}
