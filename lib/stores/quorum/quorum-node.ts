import type { Clock } from '../../core/clock.js';
import { TimeLimit } from '../../core/time-limit.js';
import { NodeClock } from './node-clock.js';
import type {
  NodeAnswer,
  NodePort,
  NodeReply,
  NodeStep,
  ReleaseStep,
} from './node-port.interface.js';
import { OwedReleases } from './owed-releases.js';

/** So that the server is at work on one call while this process is on another; and holds up nobody for long. */
const BATCH_SIZE = 64;
/**
 * How long a step may wait for others that go to the same node, where the answer of the rest is enough: long enough for
 * a lock to be taken elsewhere and given back, so in round trips.
 */
const LINGER_ROUND_TRIPS = 4;
const LEAST_LINGER_MS = 2;
const MOST_LINGER_MS = 20;
/** How much the latest call counts in what is taken for a round trip. */
const LATEST_SHARE = 1 / 8;
/** A node that has not answered for so long is asked after those that do. */
const SLOW_MS = 10;
/** Taken before a test can put fake timers in their place. */
const atEndOfCallback = process.nextTick.bind(process);
const atEndOfTurn = setImmediate;

const VOTES = new Set<NodeStep['type']>([
  ...(['acquire', 'confirm', 'renew', 'adopt', 'transfer'] as const),
  ...(['recall', 'forget', 'list', 'lists'] as const),
]);
const NO_VOTE: NodeReply = { type: 'no-vote' };

/** Whoever is told what a node answers. */
export interface Voter {
  /**
   * Told once per step, and once more if the first time was an error for being late: then `isLate`.
   */
  vote(node: QuorumNode, reply: NodeReply | Error, isLate: boolean): void;
}

/** Steps that went out together. */
interface Call {
  readonly steps: readonly NodeStep[];
  readonly voters: readonly Voter[];
  readonly sentAt: number;
  isLate: boolean;
}

export interface QuorumNodeTools {
  readonly clock: Clock;
  readonly timeoutMs: number;
  /** How long a lease may last without renewal. */
  readonly maxTtlMs: number;
  /** An answer shows that the node's clock has jumped by so much. */
  jumped(node: QuorumNode, byMs: number): void;
  /** It refused a vote: it is not what it was. */
  refused(node: QuorumNode): void;
  /** It answers again, or does not any more. */
  silenceChanged(node: QuorumNode): void;
  /** Its TIME has been told. */
  observed(node: QuorumNode): void;
}

/** One node, as this process sees it: asks it in batches, and does not wait for it longer than its time limit. */
export class QuorumNode {
  readonly time = new NodeClock();
  /** The marker under which it votes; `null` while it does not. The admission's. */
  votingText: string | null = null;
  /** Whether the present connection stands. The admission's. */
  isOpen = false;
  /** Its clock is suspected, or too far from the others: its votes are not counted. The electorate's. */
  isSuspect = false;
  isSkewed = false;
  /** It owes an answer for longer than its time limit: nobody waits for it until it has come. */
  isSilent = false;

  private steps: NodeStep[] = [];
  private voters: Voter[] = [];
  private isScheduled = false;
  /** When what waits for others goes out by itself; 0 while nothing does. */
  private lingersUntil = 0;
  private isLingerTimed = false;
  private roundTripMs = 0;
  private unanswered = 0;
  /** Since when it owes an answer and has given none. */
  private owesSince = 0;
  private readonly limit: TimeLimit;
  private readonly owed: OwedReleases;

  constructor(
    readonly index: number,
    readonly port: NodePort,
    private readonly tools: QuorumNodeTools,
  ) {
    this.limit = new TimeLimit(tools.clock, tools.timeoutMs);
    this.owed = new OwedReleases(tools.clock, tools.maxTtlMs);
  }

  get canVote(): boolean {
    return this.votingText !== null && this.answers && !this.isSuspect && !this.isSkewed;
  }

  /** Whether it is worth asking. */
  get answers(): boolean {
    return this.isOpen && !this.isSilent;
  }

  get description(): string {
    return this.port.description;
  }

  ask(step: NodeStep, voter: Voter): void {
    this.steps.push(step);
    this.voters.push(voter);
    if (this.steps.length >= BATCH_SIZE) this.send();
    else if (!this.isScheduled) this.schedule();
  }

  /** The same, but it may wait for the next step that goes to this node: for a moment. */
  askSoon(step: NodeStep, voter: Voter): void {
    this.steps.push(step);
    this.voters.push(voter);
    if (this.steps.length >= BATCH_SIZE) return this.send();
    if (this.isScheduled || this.lingersUntil > 0) return;
    const lingerMs = this.lingerMs;
    this.lingersUntil = this.tools.clock.now() + lingerMs;
    if (!this.isLingerTimed) this.linger(lingerMs);
  }

  private get lingerMs(): number {
    const trips = LINGER_ROUND_TRIPS * this.roundTripMs;
    return Math.min(Math.max(trips, LEAST_LINGER_MS), MOST_LINGER_MS);
  }

  /** One timer is enough: what waits when it is over may have come later than what it was set for. */
  private linger(ms: number): void {
    this.isLingerTimed = true;
    this.tools.clock.setTimer(() => {
      this.isLingerTimed = false;
      if (this.lingersUntil === 0) return;
      const leftMs = this.lingersUntil - this.tools.clock.now();
      if (leftMs > 0) this.linger(leftMs);
      else this.send();
    }, ms);
  }

  /** Takes a step back that waits still; false if it is gone. */
  cancel(step: NodeStep, voter: Voter): boolean {
    const i = this.steps.indexOf(step);
    if (i < 0 || this.voters[i] !== voter) return false;
    this.steps.splice(i, 1);
    this.voters.splice(i, 1);
    return true;
  }

  /** What waits goes out now. */
  hurry(): void {
    if (this.steps.length > 0 && !this.isScheduled) this.schedule();
  }

  /** Whether others answer sooner. */
  isSlow(now: number): boolean {
    return this.unanswered > 0 && now - this.owesSince > SLOW_MS;
  }

  /** Asks it to release, now, soon, or when it answers again. */
  release(step: ReleaseStep, voter: Voter = NOBODY, isUrgent = true): void {
    if (this.answers) return isUrgent ? this.ask(step, voter) : this.askSoon(step, voter);
    this.owed.add(step);
    voter.vote(this, unreachable(this), false);
  }

  /** What it was owed while it did not answer. */
  payOwed(): void {
    for (const step of this.owed.take()) this.ask(step, NOBODY);
  }

  /** What waits goes out, and is answered; no longer than its time limit. */
  async flush(): Promise<void> {
    if (this.isOpen && (this.steps.length > 0 || this.unanswered > 0)) await this.ping();
  }

  /** Has its TIME told. */
  ping(): Promise<void> {
    return new Promise((resolve) => {
      this.send();
      this.call([], [], resolve);
    });
  }

  /** It has answered. */
  heard(): void {
    if (this.isSilent) this.setSilent(false);
  }

  private schedule(): void {
    this.isScheduled = true;
    // While the server has nothing to do, to wait for more would only be later.
    const defer = this.unanswered === 0 ? atEndOfCallback : atEndOfTurn;
    defer(() => {
      this.isScheduled = false;
      this.send();
    });
  }

  private send(): void {
    this.lingersUntil = 0;
    if (this.steps.length === 0) return;
    const { steps, voters } = this;
    this.steps = [];
    this.voters = [];
    this.call(steps, voters);
  }

  private call(steps: readonly NodeStep[], voters: readonly Voter[], settled?: () => void): void {
    const { clock } = this.tools;
    const call: Call = { steps, voters, sentAt: clock.now(), isLate: false };
    const timed = this.limit.start(() => {
      this.onLate(call);
      settled?.();
    });
    if (this.unanswered++ === 0) this.owesSince = call.sentAt;
    this.port.take(this.votingText ?? '', steps).then(
      (answer) => {
        this.limit.done(timed);
        this.unanswered--;
        const now = clock.now();
        this.owesSince = now;
        this.roundTripMs += (now - call.sentAt - this.roundTripMs) * LATEST_SHARE;
        this.onAnswer(call, answer);
        settled?.();
      },
      (error: Error) => {
        this.limit.done(timed);
        this.unanswered--;
        this.onFailure(call, error);
        settled?.();
      },
    );
  }

  private onAnswer({ steps, voters, sentAt, isLate }: Call, { micros, replies }: NodeAnswer): void {
    const { tools } = this;
    const jump = micros > 0 ? this.time.observe(sentAt, tools.clock.now(), micros) : 0;
    if (jump !== 0) tools.jumped(this, jump);
    else tools.observed(this);
    this.heard();
    if (!this.owed.isEmpty) this.payOwed();
    // A vote that shows the jump of a clock is none; nor is one from before it was seen.
    const counts = this.votingText !== null && !this.isSuspect && !this.isSkewed;
    let isRefused = false;
    for (let i = 0; i < voters.length; i++) {
      const reply = replies[i]!;
      if (reply.type === 'no-vote') isRefused = true;
      const isVoid = !counts && VOTES.has(steps[i]!.type);
      voters[i]!.vote(this, isVoid ? NO_VOTE : reply, isLate);
    }
    if (isRefused) this.isNotWhatItWas();
  }

  /** It has another marker than it voted under: it is looked at anew, unless it is already. */
  isNotWhatItWas(): void {
    if (this.votingText === null) return;
    this.votingText = null;
    this.tools.refused(this);
  }

  private onFailure({ steps, voters, isLate }: Call, cause: Error): void {
    const error = new Error(`${this.description} gave no answer: ${cause.message}`, { cause });
    for (let i = 0; i < voters.length; i++) {
      const step = steps[i]!;
      if (step.type === 'release') this.owed.add(step);
      if (!isLate) voters[i]!.vote(this, error, false);
    }
  }

  private onLate(call: Call): void {
    call.isLate = true;
    if (!this.isSilent) this.setSilent(true);
    const error = new Error(`${this.description} gave no answer within ${this.tools.timeoutMs} ms`);
    for (const voter of call.voters) voter.vote(this, error, false);
  }

  private setSilent(isSilent: boolean): void {
    this.isSilent = isSilent;
    this.tools.silenceChanged(this);
  }
}

const NOBODY: Voter = { vote: () => undefined };

export const unreachable = (node: QuorumNode): Error =>
  new Error(
    `${node.description} cannot be reached${node.port.lastError ? `: ${node.port.lastError.message}` : ''}`,
  );
