import type { OutcomeRecord } from '../outcome.interface.js';
import type { Electorate } from './electorate.js';
import { entryFrom, join, NOTHING, type OutcomeEntry } from './outcome-record.js';
import { type OutcomeStanding, recordOf, standingOf } from './outcome-view.js';
import { Poll } from './poll.js';
import { tooFewNodes } from './quorum-errors.js';
import type { QuorumNode } from './quorum-node.js';
import type { Known } from './record-write.js';

/** What most nodes have of one element, and who has its lease there. */
export class OutcomeReading implements Known {
  /**
   * Asks the nodes that vote: one that has forgotten must not tell that there is nothing.
   *
   * @throws if those that answer are no majority
   */
  static async of(
    name: string,
    electorate: Electorate,
    now: () => number,
  ): Promise<OutcomeReading> {
    const read = (): Promise<OutcomeReading> => OutcomeReading.read(name, electorate, now());
    try {
      return await read();
    } catch (error) {
      // Nodes may have got another marker while nobody asked them.
      if (electorate.votingCount >= electorate.majority) throw error;
      await electorate.untilVoting();
      return read();
    }
  }

  private static read(name: string, electorate: Electorate, now: number): Promise<OutcomeReading> {
    const { nodes, majority } = electorate;
    const voters = nodes.filter((node) => node.canVote);
    const poll = new Poll<OutcomeReading>(({ replies, pending, lastError }) => {
      if (poll.count('recalled') < majority) {
        if (pending > 0) return undefined;
        throw lastError ?? tooFewNodes(electorate);
      }
      const reading = new OutcomeReading(name, now, electorate);
      replies.forEach((reply, i) => {
        if (reply?.type === 'recalled') reading.add(nodes[i]!, reply);
      });
      return reading;
    });
    if (voters.length < majority) return Promise.reject(tooFewNodes(electorate));
    return poll.ask(voters, { type: 'recall', name });
  }

  readonly texts = new Map<QuorumNode, string>();
  entry: OutcomeEntry = NOTHING;
  private readonly leases: { readonly mark: string; readonly fencingToken: number }[] = [];

  private constructor(
    private readonly name: string,
    private readonly now: number,
    private readonly electorate: Pick<Electorate, 'majority' | 'nodes'>,
  ) {}

  private add(
    node: QuorumNode,
    reply: { readonly text: string; readonly mark: string; readonly fencingToken: number },
  ): void {
    this.texts.set(node, reply.text);
    this.entry = join(this.entry, entryFrom(reply.text));
    if (reply.fencingToken > 0) this.leases.push(reply);
  }

  get standing(): OutcomeStanding {
    return standingOf(this.entry, this.now);
  }

  get record(): OutcomeRecord | null {
    return recordOf(this.name, this.standing, (token) => this.mayHold(token));
  }

  /** Whether a majority may have a lease with this token: those that were not asked count as if they did. */
  mayHold(token: number): boolean {
    return this.mayBe(this.leases.filter(({ fencingToken }) => fencingToken === token).length);
  }

  /** The token of this owner's lease, if it may hold one. */
  tokenOf(owner: string): number | undefined {
    const its = this.leases.filter(({ mark }) => mark !== '' && owner.startsWith(mark));
    return this.mayBe(its.length) ? Math.max(...its.map((lease) => lease.fencingToken)) : undefined;
  }

  private mayBe(have: number): boolean {
    const { nodes, majority } = this.electorate;
    return have > 0 && have + nodes.length - this.texts.size >= majority;
  }
}
