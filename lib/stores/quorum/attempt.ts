import { type Clock, safeEnd, type Timer } from '../../core/clock.js';
import { findHolder } from './lease-finding.js';
import type { AcquireStep, NodeLease, NodeReply, ReleaseStep } from './node-port.interface.js';
import type { QuorumNode, Voter } from './quorum-node.js';

/** Each round raises what is stored to the highest that was found; only late answers make another necessary. */
const MOST_ROUNDS = 4;
/** How much longer than a majority's answers took is waited for the others, where that may save a round. */
const PATIENCE_MS = 1;

/**
 * What became of an attempt.
 *
 * `refused`: others have it or wait for it; `isSplit` if none of them can have a majority, and then `goesFirst` for
 * the one of those with votes that is to try again before the others.
 */
export type AttemptResult =
  | {
      readonly type: 'held';
      readonly fencingToken: number;
      readonly lastToken: number;
      readonly isWaitedFor: boolean;
      readonly rounds: number;
    }
  | {
      readonly type: 'refused';
      readonly lease: NodeLease | undefined;
      readonly isSplit: boolean;
      readonly goesFirst: boolean;
    }
  | {
      readonly type: 'failed';
      readonly reason: 'too-few' | 'too-late';
      /** Nodes found the proposal too far ahead of their clocks, which they have told by that. */
      readonly wasAhead: boolean;
      readonly errors: readonly Error[];
    };

export interface AttemptTools {
  readonly clock: Clock;
  readonly majority: number;
  /** Of all, also those that are not asked. */
  readonly nodeCount: number;
  /** No earlier attempt can have left a place among those that wait at any node. */
  readonly isFirst: boolean;
  /** It has ended, and all that were asked have answered, or run out of time. */
  finished?(): void;
  /** A node has given this token. */
  learn(token: number): void;
}

/**
 * One attempt of one owner to get the votes of a majority, and one token for all of them.
 *
 * Each node answers a token of its own. If a majority answered the same, that is the lock's; if not, the
 * highest is written back to those that answered less, and the lock counts when a majority has it. A node
 * takes it only for a lease that is still this attempt's and has no higher token: then nobody can have been
 * given the same token, and whoever comes later is given a higher one.
 */
export class Attempt implements Voter {
  private readonly sentAt: number;
  /** By node: the token that it has stored for this attempt. */
  private readonly stored: (number | undefined)[] = [];
  private readonly lastTokens: number[] = [];
  private readonly refusals: (NodeLease | undefined)[] = [];
  /** Who has answered, and what may be there nevertheless if the answer was none. */
  private readonly voted = new Set<QuorumNode>();
  private readonly unclear = new Set<QuorumNode>();
  private readonly errors: Error[] = [];
  private isWaitedFor = false;
  private wasAhead = false;
  private pending: number;
  /** How many of those that are asked first have not voted; the rest is asked a moment later. */
  private eager: number;
  private confirming = 0;
  private rounds = 1;
  /** The token that is being written back, and has to be confirmed by a majority. */
  private token: number | undefined;
  private patience: Timer | undefined;
  private result: AttemptResult | undefined;
  private settle!: (result: AttemptResult) => void;
  /** What was granted to it goes to somebody else: nothing is to be added to it. */
  private isLeft = false;

  constructor(
    private readonly step: AcquireStep,
    private readonly nodes: readonly QuorumNode[],
    private readonly tools: AttemptTools,
  ) {
    this.sentAt = tools.clock.now();
    this.pending = nodes.length;
    this.eager = tools.majority;
  }

  /** Nothing but what it asks for itself can be at the nodes. */
  get isAlone(): boolean {
    return this.tools.isFirst;
  }

  /** Whether what it was granted is there still, by this process's clock. */
  isValid(now: number): boolean {
    return now < safeEnd(this.sentAt, this.step.ttlMs);
  }

  get isFinished(): boolean {
    return this.result !== undefined && this.pending === 0;
  }

  /** Asks nobody any more, gives back what is granted from now on, and returns who has not been asked. */
  leave(): QuorumNode[] {
    this.isLeft = true;
    const unasked = this.nodes.filter((node) => this.cancel(node));
    this.pending -= unasked.length;
    if (this.isFinished) this.tools.finished?.();
    return unasked;
  }

  private cancel(node: QuorumNode): boolean {
    return node.cancel(this.step, this);
  }

  run(): Promise<AttemptResult> {
    return new Promise((resolve) => {
      this.settle = resolve;
      const { majority } = this.tools;
      this.nodes.forEach((node, i) => {
        if (i < majority) node.ask(this.step, this);
        else node.askSoon(this.step, this);
      });
    });
  }

  vote(node: QuorumNode, reply: NodeReply | Error, isLate: boolean): void {
    if (!isLate) this.pending--;
    this.eager--;
    this.voted.add(node);
    if (reply instanceof Error) {
      this.errors.push(reply);
      this.unclear.add(node);
    } else if (reply.type === 'granted') {
      this.grant(node, reply);
    } else if (reply.type === 'busy') {
      this.refusals.push(reply.lease);
    } else if (reply.type === 'failed') {
      this.errors.push(reply.error);
    } else {
      this.wasAhead ||= reply.type === 'ahead';
      this.unclear.add(node); // a vote that does not count may have been cast all the same
    }
    if (this.result) this.afterwards(node, isLate);
    else if (this.token !== undefined) this.confirm(node);
    else this.decide();
    if (this.isFinished) this.tools.finished?.();
    // Those asked first do not suffice.
    if (!this.result && this.countStored() + this.eager < this.tools.majority) this.hurry();
  }

  private hurry(): void {
    for (const node of this.nodes) node.hurry();
  }

  private grant(node: QuorumNode, reply: NodeReply & { type: 'granted' }): void {
    const { index } = node;
    this.stored[index] = reply.fencingToken;
    this.lastTokens[index] = reply.lastToken;
    this.isWaitedFor ||= reply.isWaitedFor;
    this.tools.learn(reply.lastToken);
  }

  private decide(): void {
    const { majority } = this.tools;
    const granted = this.countStored();
    if (granted + this.pending < majority) {
      // It fails; but whether it is refused or cannot be asked, the others may have to tell.
      const answered = granted + this.refusals.length;
      const isOpen = answered < majority && answered + this.pending >= majority;
      return isOpen ? undefined : this.fail();
    }
    if (granted < majority) return;
    for (const token of this.stored) {
      if (token !== undefined && this.countStored(token) >= majority) return this.hold(token);
    }
    if (this.pending === 0) return this.writeBack();
    this.hurry();
    this.patience ??= this.waitForTheRest();
  }

  /** One more answer may make a majority that agrees; who is late costs no more than a little. */
  private waitForTheRest(): Timer {
    const { clock } = this.tools;
    const elapsed = clock.now() - this.sentAt;
    return clock.setTimer(() => {
      if (!this.result && this.token === undefined) this.writeBack();
    }, elapsed + PATIENCE_MS);
  }

  private countStored(token?: number): number {
    let count = 0;
    for (const each of this.stored) {
      if (each !== undefined && (token === undefined || each === token)) count++;
    }
    return count;
  }

  private writeBack(): void {
    this.rounds++;
    this.token = Math.max(...this.stored.filter((token) => token !== undefined));
    for (const node of this.nodes) this.confirm(node);
  }

  /** Has a node raise what it has stored, if that is less. */
  private confirm(node: QuorumNode): void {
    const token = this.token!;
    const stored = this.stored[node.index];
    if (stored !== undefined && stored < token) {
      this.confirming++;
      node.ask(this.confirmation(token), {
        vote: (_, reply, isLate) => this.onConfirmation(node, token, reply, isLate),
      });
    }
    this.decideConfirmed();
  }

  private onConfirmation(
    node: QuorumNode,
    token: number,
    reply: NodeReply | Error,
    isLate: boolean,
  ): void {
    if (!isLate) this.confirming--;
    const type = reply instanceof Error ? 'failed' : reply.type;
    if (type === 'done') this.stored[node.index] = token;
    else if (!(reply instanceof Error) && reply.type === 'other-token') {
      this.stored[node.index] = reply.fencingToken;
    } else {
      this.stored[node.index] = undefined;
      // What was granted may be there still.
      if (type !== 'free' && type !== 'busy') this.unclear.add(node);
    }
    if (!this.result) this.decideConfirmed();
  }

  private decideConfirmed(): void {
    const { majority } = this.tools;
    const token = this.token!;
    if (this.countStored(token) >= majority) return this.hold(token);
    if (this.confirming > 0) return;
    const granted = this.countStored();
    if (granted + this.pending < majority || this.rounds >= MOST_ROUNDS) return this.fail();
    // A late answer was higher still.
    if (granted >= majority && this.stored.some((each) => each !== undefined && each > token)) {
      this.writeBack();
    }
  }

  private confirmation(token: number) {
    const { name, owner, ttlMs } = this.step;
    return { type: 'confirm', name, owner, fencingToken: token, lastToken: token, ttlMs } as const;
  }

  private hold(token: number): void {
    if (!this.isValid(this.tools.clock.now())) {
      return this.fail('too-late');
    }
    let lastToken = Infinity;
    for (let i = 0; i < this.stored.length; i++) {
      if (this.stored[i] === token) lastToken = Math.min(lastToken, this.lastTokens[i]!);
    }
    if (this.token !== undefined) lastToken = token;
    const { isWaitedFor, rounds } = this;
    this.finish({ type: 'held', fencingToken: token, lastToken, isWaitedFor, rounds });
    this.token = token;
    for (const node of this.nodes) this.afterwards(node);
  }

  private fail(reason: 'too-few' | 'too-late' = 'too-few'): void {
    const answered = this.countStored() + this.refusals.length;
    const isRefused =
      reason === 'too-few' && this.refusals.length > 0 && answered >= this.tools.majority;
    const { wasAhead, errors } = this;
    this.finish(isRefused ? this.refusal() : { type: 'failed', reason, wasAhead, errors });
    for (const node of this.nodes) this.afterwards(node);
  }

  private finish(result: AttemptResult): void {
    this.patience?.clear();
    this.result = result;
    this.settle(result);
  }

  /** What comes after the end: a late grant joins the lease, or is given back. */
  private afterwards(node: QuorumNode, isLate = false): void {
    if (this.result!.type === 'held' && !this.isLeft) this.complete(node, isLate);
    else this.giveBack(node);
  }

  private complete(node: QuorumNode, isLate: boolean): void {
    const token = this.token!;
    const stored = this.stored[node.index];
    if (stored === undefined || stored === token) return;
    this.stored[node.index] = token;
    if (stored < token) return node.ask(this.confirmation(token), NOBODY);
    // It answered so late that its TIME had passed the proposal: with another token it would renew nothing.
    node.release(this.release);
    const { name, owner, ttlMs, holder } = this.step;
    const adoption = { type: 'adopt', name, owner, fencingToken: token, ttlMs, holder } as const;
    // Who is late may have been given up for, and the lease have been given back since.
    if (!isLate && this.isValid(this.tools.clock.now())) node.ask(adoption, NOBODY);
  }

  private giveBack(node: QuorumNode): void {
    const { result } = this;
    // Who has not voted is asked no more, or gives back when it has: unless the next attempt follows at once.
    const isOpen = !this.voted.has(node) && !(result!.type === 'refused' && result!.isSplit);
    if (isOpen) {
      this.cancel(node);
    } else if (
      this.stored[node.index] !== undefined ||
      this.unclear.delete(node) ||
      !this.voted.has(node)
    ) {
      this.stored[node.index] = undefined;
      if (!this.cancel(node)) node.release(this.release);
    }
  }

  private get release(): ReleaseStep {
    const { name, owner } = this.step;
    return { type: 'release', name, owner, minHoldMs: 0, leaves: false };
  }

  /** Whoever may have a majority is in the way; else whoever's lease ends first. */
  private refusal(): AttemptResult {
    const found = findHolder(this.refusals.map((lease) => ({ type: 'busy', lease })));
    const { have: most, lease: strongest } = found;
    const [first] = [...found.leases].sort((a, b) => a.remainingMs - b.remainingMs);
    const { nodeCount, majority } = this.tools;
    const unknown = nodeCount - this.countStored() - this.refusals.length;
    const isHeld = most + unknown >= majority;
    // Those that wait may be about to take it; a few nodes may not have heard yet that they are gone.
    const waitedFor = this.refusals.filter((lease) => !lease).length;
    const isSplit = most + waitedFor + unknown < majority;
    // Each of those with votes knows of the others by the nodes that refused it.
    const { owner } = this.step;
    const isLowest = found.leases.every(({ mark }) => owner.slice(0, mark.length) <= mark);
    const goesFirst = isSplit && isLowest && this.countStored() > 0;
    return { type: 'refused', lease: isHeld ? strongest : first, isSplit, goesFirst };
  }
}

const NOBODY: Voter = { vote: () => undefined };
