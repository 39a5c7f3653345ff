import type { Clock } from '../../core/clock.js';
import type { CopyTerms, HighestToken, NodeAdmission } from './node-admission.js';
import { markerText, type NodeHello, type NodeMarker, parseMarker } from './node-port.interface.js';
import {
  type CopyTools,
  copyOutcomes,
  type MarkedNode,
  NoAnswerError,
  OtherMarkerError,
} from './outcome-copy.js';
import type { QuorumNode } from './quorum-node.js';

export interface OtherNodesTools {
  readonly clock: Clock;
  readonly timeoutMs: number;
  admissionOf(node: QuorumNode): NodeAdmission;
  /** What time it is for most nodes, in ms. */
  now(): number;
}

interface CopyFailure {
  readonly node: QuorumNode;
  readonly error: Error;
}

/** What a node that has to catch up learns from the others before it votes. */
export class OtherNodes {
  constructor(
    private readonly nodes: readonly QuorumNode[],
    private readonly majority: number,
    private readonly tools: OtherNodesTools,
  ) {}

  /** From as many as a majority has: whatever a majority knew, one of them knows. */
  async copyOutcomes(
    asking: QuorumNode,
    marker: NodeMarker,
    terms: CopyTerms,
  ): Promise<Error | undefined> {
    const to = { port: asking.port, marker: markerText(marker) };
    const tools: CopyTools = {
      goesOn: () => terms.goesOn(),
      now: () => this.tools.now(),
      within: (promise) => this.within(promise),
    };
    const intact = this.intactBut(asking);
    const failures = (await Promise.all(intact.map((node) => this.copy(node, to, tools)))).filter(
      (failure) => failure !== undefined,
    );
    if (intact.length - failures.length >= this.majority) return undefined;
    // Who gives no answer is as good as silent, once time tells enough.
    const lacking = terms.isPastAll ? failures.filter((each) => !isLate(each)) : failures;
    // A clock that jumped costs no memory.
    const mayLack = terms.isPastAll || marker.reason === 'clock-jump';
    if (mayLack && lacking.length === 0) return undefined;
    return failures[0]?.error ?? new Error('too few others have forgotten nothing');
  }

  private async copy(
    node: QuorumNode,
    to: MarkedNode,
    tools: CopyTools,
  ): Promise<CopyFailure | undefined> {
    try {
      await copyOutcomes({ port: node.port, marker: this.markerTextOf(node) }, to, tools);
      return undefined;
    } catch (thrown) {
      const error = thrown as Error;
      // While too few vote nobody asks it for a vote, and would learn of it.
      if (error instanceof OtherMarkerError && error.port === node.port) node.isNotWhatItWas();
      return { node, error };
    }
  }

  /** Read only from those that have forgotten nothing, and still have the same marker when they answer. */
  async highestToken(asking: QuorumNode): Promise<HighestToken> {
    const tokens = await Promise.all(
      this.intactBut(asking).map(async (node) => {
        const told = node.port.highestToken(this.markerTextOf(node));
        const token = await this.within(told).catch(() => undefined);
        if (token === null) node.isNotWhatItWas();
        return token;
      }),
    );
    const known = tokens.filter((token) => token !== null && token !== undefined);
    return { token: Math.max(0, ...known), isSure: known.length >= this.majority };
  }

  /** What they say of themselves now, as far as they answer. */
  async hellos(asking: QuorumNode): Promise<ReadonlyMap<QuorumNode, NodeHello>> {
    const told = new Map<QuorumNode, NodeHello>();
    const others = this.nodes.filter((node) => node !== asking && node.isOpen);
    await Promise.all(
      others.map(async (node) => {
        const hello = await this.within(node.port.hello()).catch(() => undefined);
        if (hello) told.set(node, hello);
      }),
    );
    return told;
  }

  /** Who raises the longest ttl writes it on every node before its first vote there. */
  async largestTtlMs(asking: QuorumNode): Promise<number> {
    const hellos = [...(await this.hellos(asking)).values()];
    const told = hellos.flatMap(({ markerText: text }) => text ?? []).map(parseMarker);
    const seen = this.nodes.map((node) => this.tools.admissionOf(node).marker);
    return Math.max(0, ...[...told, ...seen].map((marker) => marker?.maxTtlMs ?? 0));
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

/** Its own answer did not come, rather than that of the node which is told. */
const isLate = ({ node, error }: CopyFailure): boolean =>
  error instanceof NoAnswerError && error.port === node.port;
