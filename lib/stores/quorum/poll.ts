import type { NodeReply, NodeStep } from './node-port.interface.js';
import type { QuorumNode, Voter } from './quorum-node.js';

type Kind = NodeReply['type'];

/** Asks several nodes the same thing, and is done as soon as what they said decides. */
export class Poll<T> implements Voter {
  /** What each node said, by its index. */
  readonly replies: (NodeReply | undefined)[] = [];
  lastError: Error | undefined;
  /** How many have neither answered nor run out of time. */
  pending = 0;
  private readonly counts: Partial<Record<Kind, number>> = {};
  /** How many are asked first; if they do not decide it, the others are to hurry. */
  enough = Infinity;
  private nodes: readonly QuorumNode[] = [];
  private heardOf = 0;
  private isDecided = false;
  private isAsking = true;
  /** Whether who is being asked is among those that are asked first. */
  private isAmongFirst = true;
  private resolve!: (result: T) => void;
  private reject!: (error: unknown) => void;

  constructor(
    /** `undefined` while it is open; asked again with each answer, and must not be that at the end. */
    private readonly decide: (poll: Poll<T>) => T | undefined,
    /** Told of every answer, also of those that come after the decision. */
    private readonly heard: (
      node: QuorumNode,
      reply: NodeReply | Error,
      isLate: boolean,
    ) => void = () => undefined,
  ) {}

  run(nodes: readonly QuorumNode[], ask: (node: QuorumNode, i: number) => void): Promise<T> {
    return new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
      this.nodes = nodes;
      this.pending = nodes.length;
      nodes.forEach((node, i) => {
        this.isAmongFirst = i < this.enough;
        ask(node, i);
      });
      this.isAmongFirst = true;
      this.isAsking = false;
      this.check();
    });
  }

  ask(nodes: readonly QuorumNode[], step: NodeStep): Promise<T> {
    return this.run(nodes, (node) => node.ask(step, this));
  }

  count(kind: Kind): number {
    return this.counts[kind] ?? 0;
  }

  vote(node: QuorumNode, reply: NodeReply | Error, isLate: boolean): void {
    if (!isLate) this.pending--;
    // Who cannot be asked says so at once, and is of no help to those that were not asked first.
    if (this.isAmongFirst) this.heardOf++;
    if (reply instanceof Error) {
      this.lastError = reply;
      this.heard(node, reply, isLate);
    } else {
      if (reply.type === 'failed') this.lastError = reply.error;
      this.counts[reply.type] = this.count(reply.type) + 1;
      this.replies[node.index] = reply;
      this.heard(node, reply, isLate);
    }
    if (!this.isAsking) this.check();
    if (!this.isDecided && this.heardOf >= this.enough) for (const each of this.nodes) each.hurry();
  }

  private check(): void {
    if (this.isDecided) return;
    try {
      const result = this.decide(this);
      if (result === undefined) return;
      this.isDecided = true;
      this.resolve(result);
    } catch (error) {
      this.isDecided = true;
      this.reject(error);
    }
  }
}
