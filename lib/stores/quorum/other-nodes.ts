import type { Clock } from '../../core/clock.js';
import type { CopyTerms, HighestToken, NodeAdmission } from './node-admission.js';
import { markerText, type NodeMarker, parseMarker } from './node-port.interface.js';
import { type CopyTools, copyOutcomes, OtherMarkerError } from './outcome-copy.js';
import type { QuorumNode } from './quorum-node.js';

export interface OtherNodesTools {
  readonly clock: Clock;
  readonly timeoutMs: number;
  admissionOf(node: QuorumNode): NodeAdmission;
  /** What time it is for most nodes, in ms. */
  now(): number;
}

/** What a node that has to catch up learns from the others before it votes. */
export class OtherNodes {
  constructor(
    private readonly nodes: readonly QuorumNode[],
    private readonly majority: number,
    private readonly tools: OtherNodesTools,
  ) {}

  /** From as many as a majority has: whatever a majority knew, one of them knows. */
  async copyOutcomes(asking: QuorumNode, marker: NodeMarker, terms: CopyTerms): Promise<boolean> {
    const to = { port: asking.port, marker: markerText(marker) };
    const tools: CopyTools = {
      goesOn: () => terms.goesOn(),
      now: () => this.tools.now(),
      within: async (promise) => {
        const value = await this.within(promise);
        if (value === undefined) throw new Error('it gave no answer in time');
        return value;
      },
    };
    const intact = this.intactBut(asking);
    const copies = await Promise.allSettled(
      intact.map(async (node) => {
        const from = { port: node.port, marker: this.markerTextOf(node) };
        try {
          await copyOutcomes(from, to, tools);
        } catch (error) {
          if (error instanceof OtherMarkerError) this.isNotWhatItWas(node);
          throw error;
        }
      }),
    );
    const copied = copies.filter(({ status }) => status === 'fulfilled').length;
    return copied >= this.majority || (terms.mayLack && copied === intact.length);
  }

  /** Read only from those that have forgotten nothing, and still have the same marker when they answer. */
  async highestToken(asking: QuorumNode): Promise<HighestToken> {
    const tokens = await Promise.all(
      this.intactBut(asking).map(async (node) => {
        const told = node.port.highestToken(this.markerTextOf(node));
        const token = await this.within(told).catch(() => undefined);
        if (token === null) this.isNotWhatItWas(node);
        return token;
      }),
    );
    const known = tokens.filter((token) => token !== null && token !== undefined);
    return { token: Math.max(0, ...known), isSure: known.length >= this.majority };
  }

  /** Who raises the longest ttl writes it on every node before its first vote there. */
  async largestTtlMs(asking: QuorumNode): Promise<number> {
    const others = this.nodes.filter((node) => node !== asking && node.isOpen);
    const hellos = await Promise.all(
      others.map(({ port }) => this.within(port.hello()).catch(() => undefined)),
    );
    const told = hellos.flatMap((hello) => hello?.markerText ?? []).map(parseMarker);
    const seen = this.nodes.map((node) => this.tools.admissionOf(node).marker);
    return Math.max(0, ...[...told, ...seen].map((marker) => marker?.maxTtlMs ?? 0));
  }

  /** While too few others vote nobody asks it for a vote, and would learn of it. */
  private isNotWhatItWas(node: QuorumNode): void {
    this.tools.admissionOf(node).greet();
  }

  /** A clock that jumped costs a node its votes, but not its memory. */
  private intactBut(asking: QuorumNode): QuorumNode[] {
    return this.nodes.filter((node) => {
      const { standing, marker } = this.tools.admissionOf(node);
      const isIntact =
        standing === 'voting' || (standing === 'quarantined' && marker?.reason === 'clock-jump');
      return node !== asking && node.answers && isIntact;
    });
  }

  private markerTextOf(node: QuorumNode): string {
    return markerText(this.tools.admissionOf(node).marker!);
  }

  private within<T>(promise: Promise<T>): Promise<T | undefined> {
    return new Promise((resolve, reject) => {
      const { clock, timeoutMs } = this.tools;
      const timer = clock.setTimer(() => resolve(undefined), timeoutMs);
      promise.then(resolve, reject).finally(() => timer.clear());
    });
  }
}
