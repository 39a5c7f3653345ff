import type { LeaseRecord, NameRecord } from '../lock-store.interface.js';
import type { Electorate } from './electorate.js';
import { findHolder, toLeaseRecord } from './lease-finding.js';
import type { NodeReply } from './node-port.interface.js';
import { Poll } from './poll.js';
import { tooFewNodes } from './quorum-errors.js';

/** Asks the nodes who has a name, and takes it away. */
export class LeaseQueries {
  constructor(private readonly electorate: Electorate) {}

  async inspect(name: string): Promise<NameRecord> {
    const { majority, nodes } = this.electorate;
    const voters = this.electorate.demandVoters();
    const poll = new Poll<NameRecord>((votes) => {
      const found = findHolder(votes.replies);
      const asked = votes.count('found');
      const isFree = asked - found.leases.length >= majority;
      if (votes.pending > 0 && found.have < majority && !isFree) return undefined;
      if (asked < majority) throw tooFewNodes(this.electorate);
      // Whom the nodes that were not asked may make a majority of, may have it.
      const mayHave = found.have + (nodes.length - asked) >= majority;
      const holders =
        found.lease && mayHave
          ? [toLeaseRecord(found.lease, { have: found.have, asked, all: nodes.length })]
          : [];
      return { holders, waiting: found.waiting, permits: 0 };
    });
    return poll.ask(voters, { type: 'inspect', name });
  }

  async forceRelease(name: string, fencingToken?: number): Promise<readonly LeaseRecord[]> {
    const { holders } = await this.inspect(name);
    const [held] = holders;
    if (fencingToken !== undefined && held?.fencingToken !== fencingToken) return [];
    const voters = this.electorate.demandVoters();
    const mark = fencingToken === undefined ? undefined : await this.markOf(name, fencingToken);
    const poll = new Poll<LeaseRecord[]>((votes) => {
      if (votes.pending > 0) return undefined;
      this.refuseTooFew(votes, 'done', 'free', 'busy');
      const { replies } = votes;
      const { lease, have } = findHolder(replies);
      const asked = replies.filter((reply) => reply !== undefined).length;
      return lease && held
        ? [toLeaseRecord(lease, { have, asked, all: this.electorate.nodes.length })]
        : [];
    });
    return poll.ask(voters, { type: 'force', name, mark });
  }

  /** The mark of whoever has the lease with this token. */
  private async markOf(name: string, fencingToken: number): Promise<string | undefined> {
    const voters = this.electorate.demandVoters();
    const poll = new Poll<string>((votes) => {
      if (votes.pending > 0) return undefined;
      this.refuseTooFew(votes, 'found');
      const { lease } = findHolder(votes.replies);
      return lease?.fencingToken === fencingToken ? lease.mark : '-';
    });
    return poll.ask(voters, { type: 'inspect', name });
  }

  /** @throws where too few have answered for the answers to tell anything */
  private refuseTooFew<T>(votes: Poll<T>, ...kinds: NodeReply['type'][]): void {
    const answered = kinds.reduce((count, kind) => count + votes.count(kind), 0);
    if (answered < this.electorate.majority) throw votes.lastError ?? tooFewNodes(this.electorate);
  }
}
