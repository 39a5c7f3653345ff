import type { ReleaseOutcome, ReleaseRequest } from '../lock-store.interface.js';
import type { Attempt } from './attempt.js';
import type { Electorate } from './electorate.js';
import { Poll } from './poll.js';
import { tooFewNodes } from './quorum-errors.js';
import type { QuorumNode } from './quorum-node.js';

/**
 * Gives a lease back on every node that may have it.
 *
 * It is done once the nodes that can be asked and have nothing of it any more are a majority: from then on others
 * can take the name. A lease that is given back at once is, as a rule, on a bare majority, since the rest has not
 * been asked yet, and is not any more; then a single node's answer may be enough, and the others are told a moment
 * later, together with what else goes to them.
 *
 * Where too few of them say that they had it, some that may have had it are silent: then its holder's clock tells
 * whether it was held, as it does for the holder: who took it by force without being able to reach all of them may
 * then be told of in vain.
 */
export function release(
  electorate: Electorate,
  { name, owner, minHoldMs = 0, wasHeld = false }: ReleaseRequest,
  /** The one that got it, if not all of its nodes have answered. */
  attempt: Attempt | undefined,
  now: number,
): Promise<ReleaseOutcome> {
  const { nodes, majority } = electorate;
  const step = { type: 'release', name, owner, minHoldMs, leaves: true } as const;
  const left = attempt?.leave() ?? [];
  // Of one that has stood still, a majority has to tell whether it had the lease still.
  const isPlain = minHoldMs === 0 && attempt?.isAlone && attempt.isValid(now);
  const unasked = isPlain ? left : [];
  const asked = electorate.orderFor(name).filter((node) => !unasked.includes(node));
  const enough = majority - unasked.filter((node) => node.canVote).length;

  const poll = new Poll<ReleaseOutcome>(
    (votes) => {
      const done = votes.count('done');
      if (done >= enough) return 'released';
      if (votes.pending > 0) return undefined;
      const others = votes.count('busy');
      const gone = done + others + votes.count('free') + unasked.length;
      const mayHaveBeenHeld = nodes.length - gone + done >= majority;
      if (gone < majority && mayHaveBeenHeld) throw votes.lastError ?? tooFewNodes(electorate);
      if (wasHeld && mayHaveBeenHeld) return 'released';
      return others > 0 ? 'taken-over' : 'expired';
    },
    (_, reply) => {
      // They have been told that the name is free, and are about to ask everywhere.
      if (!(reply instanceof Error) && reply.type === 'done' && reply.isWaitedFor) hurry(asked);
    },
  );
  poll.enough = enough;
  return poll.run(asked, (node, i) => node.release(step, poll, i < enough));
}

const hurry = (nodes: readonly QuorumNode[]): void => nodes.forEach((node) => node.hurry());
