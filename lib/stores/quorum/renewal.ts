import { type Clock, safeEnd } from '../../core/clock.js';
import type { Holder, RenewReply, RenewRequest } from '../lock-store.interface.js';
import type { Electorate } from './electorate.js';
import type { NodeReply, NodeStep } from './node-port.interface.js';
import { Poll } from './poll.js';
import type { QuorumNode, Voter } from './quorum-node.js';

export interface RenewalHow {
  readonly clock: Clock;
  /** What is asked; a renewal by default. */
  readonly step?: NodeStep;
  /** To whom it goes, if that is somebody else: those that have nothing of it are given it as his. */
  readonly newOwner?: string;
  /** All have answered, or run out of time. */
  readonly ended?: () => void;
}

const NOBODY: Voter = { vote: () => undefined };

/**
 * Asks for a lease to be renewed (or transferred) by the nodes that vote; it counts when a majority has it.
 *
 * Nodes that have nothing of it, because they were down or came back empty, are given it once a majority
 * has it: else a lock that is held for long would lose its majority to restarts one after the other.
 */
export class Renewal {
  private readonly poll: Poll<RenewReply>;
  private reply: RenewReply | undefined;
  private readonly sentAt: number;
  private isStopped = false;
  private readonly lacking: (readonly [QuorumNode, NodeReply])[] = [];

  constructor(
    private readonly request: RenewRequest,
    private readonly electorate: Electorate,
    /** As whom it is given to nodes that lack it; left out, it is not. */
    private readonly holder: Holder | undefined,
    private readonly how: RenewalHow,
  ) {
    this.sentAt = how.clock.now();
    this.poll = new Poll<RenewReply>(
      () => this.decide(),
      (node, reply, isLate) => this.heard(node, reply, isLate),
    );
  }

  async run(voters: readonly QuorumNode[]): Promise<RenewReply> {
    if (voters.length === 0) this.how.ended?.();
    this.reply = await this.poll.ask(voters, this.how.step ?? toStep(this.request));
    if (this.reply === 'renewed') this.complete();
    return this.reply;
  }

  /** Nobody is given the lease from now on. */
  stop(): void {
    this.isStopped = true;
    this.lacking.length = 0;
  }

  private heard(node: QuorumNode, reply: NodeReply | Error, isLate: boolean): void {
    if (this.poll.pending === 0) this.how.ended?.();
    // Since a late one had run out of time the lease may have been given back.
    if (this.isStopped || isLate || reply instanceof Error) return;
    const isLower = reply.type === 'other-token' && reply.fencingToken < this.request.fencingToken;
    if (reply.type !== 'free' && !isLower) return;
    this.lacking.push([node, reply]);
    if (this.reply === 'renewed') this.complete();
  }

  /** A majority has it: those that lack it, or its token, are given that. */
  private complete(): void {
    const { clock } = this.how;
    // A process that stood still may have lost it since.
    if (clock.now() >= safeEnd(this.sentAt, this.request.ttlMs)) this.stop();
    for (const [node, { type }] of this.lacking.splice(0)) {
      if (type === 'free') this.adopt(node);
      else this.confirm(node);
    }
  }

  private decide(): RenewReply | undefined {
    const { poll } = this;
    const { majority, nodes } = this.electorate;
    const renewed = poll.count('done');
    if (renewed >= majority) return 'renewed';
    if (poll.pending > 0) return undefined;
    const others = poll.count('busy') + poll.count('other-token');
    const denials = others + poll.count('free') + poll.count('forced');
    // What is in quarantine cannot confirm it before it has ended.
    const mute = nodes.filter((node) => this.electorate.isQuarantined(node)).length;
    const unknown = nodes.length - renewed - denials - mute;
    if (renewed + unknown >= majority) return 'undecided';
    if (poll.count('forced') > 0) return 'forced';
    return others >= majority ? 'taken-over' : 'expired';
  }

  /** Its write-back never came there. */
  private confirm(node: QuorumNode): void {
    if (!this.holder || this.how.newOwner !== undefined) return;
    const { name, owner, fencingToken, ttlMs } = this.request;
    const lastToken = fencingToken;
    node.ask({ type: 'confirm', name, owner, fencingToken, lastToken, ttlMs }, NOBODY);
  }

  private adopt(node: QuorumNode): void {
    const { holder } = this;
    if (!holder) return;
    const { name, fencingToken, ttlMs } = this.request;
    const owner = this.how.newOwner ?? this.request.owner;
    node.ask({ type: 'adopt', name, owner, fencingToken, ttlMs, holder }, NOBODY);
  }
}

function toStep({ name, owner, fencingToken, ttlMs }: RenewRequest): NodeStep {
  return { type: 'renew', name, owner, fencingToken, ttlMs };
}
