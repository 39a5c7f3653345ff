import type { Clock } from '../../core/clock.js';
import type { NodeAdmission } from './node-admission.js';
import type { QuorumNode } from './quorum-node.js';

/** Nodes whose clock is further from the median than this, in ms, do not vote. */
const MOST_SKEW_MS = 1_000;
const SKEW_CHECK_MS = 1_000;

export interface NodeClocksTools {
  readonly clock: Clock;
  admissionOf(node: QuorumNode): NodeAdmission;
  changed(node: QuorumNode): void;
  /** Votes that leases rest on may be void. */
  doubted(): void;
}

/** The clocks of the nodes against each other: what time it is, and whose cannot be believed. */
export class NodeClocks {
  private readonly probed = new Set<QuorumNode>();
  private nextSkewCheck = -Infinity;
  private isJudging = false;
  private isClosed = false;

  constructor(
    private readonly nodes: readonly QuorumNode[],
    private readonly majority: number,
    private readonly tools: NodeClocksTools,
  ) {}

  close(): void {
    this.isClosed = true;
  }

  /** The most that the fastest clock that counts can show now, in ms. */
  get fastestMs(): number {
    let most = -Infinity;
    for (const node of this.nodes) {
      if (node.canVote && node.time.isKnown) most = Math.max(most, node.time.mostAhead);
    }
    return most + this.tools.clock.now();
  }

  /** By the clocks in the middle, in ms: of an even number there are two. `null` if too few are known. */
  mostNodesTime(): { readonly least: number; readonly most: number } | null {
    const times = this.timesOf(this.timed);
    if (times.length < this.majority) return null;
    const middle = (times.length - 1) / 2;
    return { least: times[Math.floor(middle)]!, most: times[Math.ceil(middle)]! };
  }

  /** What time it is for most of those that vote, in whole ms; this machine's where none does. */
  votersTime(): number {
    const times = this.timesOf(this.timed.filter(({ canVote }) => canVote));
    return Math.floor(times[Math.floor((times.length - 1) / 2)] ?? Date.now());
  }

  /**
   * A node's clock does not fit what was known of it. Where that is so of all of them at once, it is this
   * process's own that stood still.
   */
  suspect(node: QuorumNode): void {
    node.isSuspect = true;
    void this.judge();
  }

  private async judge(): Promise<void> {
    // Where a process wakes up, its connections come back one by one: the first alone cannot tell.
    const answering = this.nodes.filter(({ answers }) => answers);
    if (this.isJudging || answering.length < this.majority) return;
    this.isJudging = true;
    // Whose clock was not known before cannot tell.
    const witnesses = this.timed.filter(({ answers }) => answers);
    await Promise.all(answering.map((each) => each.ping()));
    this.isJudging = false;
    const suspects = this.nodes.filter(({ isSuspect }) => isSuspect);
    const isOwnFault =
      suspects.length >= this.majority && witnesses.every(({ isSuspect }) => isSuspect);
    if (isOwnFault) for (const each of this.nodes) if (!each.answers) each.time.forget();
    for (const each of suspects) {
      each.isSuspect = false;
      if (isOwnFault) {
        this.tools.admissionOf(each).greet();
      } else {
        each.votingText = null;
        this.tools.admissionOf(each).jumped();
      }
    }
    this.tools.doubted();
  }

  /** With the next answer. */
  checkSoon(): void {
    this.nextSkewCheck = -Infinity;
  }

  checkSkew(isNow = false): void {
    if (this.nodes.some(({ isSuspect }) => isSuspect)) void this.judge();
    const now = this.tools.clock.now();
    if (!isNow && now < this.nextSkewCheck && !this.isAnySkewed) return;
    this.nextSkewCheck = now + SKEW_CHECK_MS;
    const byMost = this.mostNodesTime();
    if (!byMost) return;
    for (const node of this.timed) {
      const isSkewed = Math.abs(node.time.timeAt(now) - byMost.least) > MOST_SKEW_MS;
      if (isSkewed === node.isSkewed) continue;
      node.isSkewed = isSkewed;
      this.tools.changed(node);
      if (!isSkewed) continue;
      this.probe(node, SKEW_CHECK_MS);
      this.tools.doubted();
    }
  }

  /** Has TIME told every so often for as long as nobody else may ask it. */
  probe(node: QuorumNode, everyMs: number): void {
    if (this.probed.has(node)) return;
    this.probed.add(node);
    this.tools.clock.setTimer(() => {
      this.probed.delete(node);
      if (this.isClosed || !(node.isSkewed || node.isSilent)) return;
      // It is held against others, which may have been set right since.
      for (const each of node.isSkewed ? this.timed : [node]) if (each.isOpen) void each.ping();
      this.probe(node, everyMs);
    }, everyMs);
  }

  /** Those whose clock is known at the moment. */
  private get timed(): QuorumNode[] {
    return this.nodes.filter((node) => node.time.isKnown && node.isOpen);
  }

  private timesOf(nodes: readonly QuorumNode[]): number[] {
    const now = this.tools.clock.now();
    return nodes.map(({ time }) => time.timeAt(now)).sort((a, b) => a - b);
  }

  private get isAnySkewed(): boolean {
    return this.nodes.some(({ isSkewed }) => isSkewed);
  }
}
