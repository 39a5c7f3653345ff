import type { Call } from './call.js';
import type { EndCause, SimulatedNode } from './simulated-node.js';
import { type QuorumProcess, STORE_TIMEOUT_MS } from './quorum-process.js';

/** Answers and timers take their time. */
const SLACK_MS = 10;

/** A lease that a node had no longer, before its time. */
export interface EarlyEnd {
  readonly node: SimulatedNode;
  readonly name: string;
  readonly owner: string;
  readonly cause: EndCause;
  readonly at: number;
}

/**
 * A process notices at the latest when what it knew of a clock and what it is told are further apart than
 * this, and a part of the time between the two; if both were answered promptly.
 */
const NOTICEABLE_MS = 20;
const NOTICEABLE_PART = 0.02;
const PROMPT_MS = 5;

export interface InvariantOptions {
  readonly nodes: () => readonly SimulatedNode[];
  readonly now: () => number;
  readonly token: (token: number) => string;
  /** Whether what is known of tokens has not been lost on too many nodes. */
  readonly areTokensOrdered: () => boolean;
}

/**
 * What must be true of every schedule, looked at after everything that happens.
 *
 * - Exclusion: two locks of one name are never held at one moment, unless a clock that nobody could see
 *   jump took a lease of one of them away early.
 * - Tokens of one name are unique, and the token of a lock that was asked for after another began to be
 *   held is higher, while `areTokensOrdered`.
 * - Every call settles within its wait and the store's time limit.
 */
export class Invariants {
  violation: string | undefined;
  readonly calls: Call[] = [];
  readonly earlyEnds: EarlyEnd[] = [];
  /** When a node gave a lease to an owner. */
  private readonly givenAt = new Map<string, number>();
  /** Exclusion that was violated, and could not have been kept. */
  explained = 0;
  private readonly held = new Set<Call>();
  private readonly tokens = new Map<string, Map<number, Call>>();

  constructor(private readonly options: InvariantOptions) {}

  fail(what: string): void {
    this.violation ??= what;
  }

  given(node: SimulatedNode, owner: string): void {
    this.givenAt.set(`${node.name} ${owner}`, this.options.now());
  }

  /** When the first node gave a lease to this owner. */
  firstGivenAt(owner: string): number {
    const times = this.options
      .nodes()
      .map((node) => this.givenAt.get(`${node.name} ${owner}`) ?? Infinity);
    return Math.min(...times);
  }

  /** A caller has what it asked for. */
  started(call: Call): void {
    const { token, take } = call;
    const tokens = this.tokens.get(take.name) ?? new Map<number, Call>();
    this.tokens.set(take.name, tokens);
    const twin = tokens.get(token);
    const told = this.options.token(token);
    if (twin) this.failToken(`${call.title}: token ${told} is ${twin.title}'s already`);
    tokens.set(token, call);
    if (!call.believesToHold) return; // lost on its way
    call.heldFrom = this.options.now();
    this.held.add(call);
    for (const [other, earlier] of tokens) {
      if (other > token && earlier.heldFrom < call.askedAt) {
        this.failToken(
          `${call.title}: token ${told}, after ${earlier.title} held with ${this.options.token(other)}`,
        );
      }
    }
  }

  private failToken(what: string): void {
    if (this.options.areTokensOrdered()) this.fail(what);
  }

  /** After everything that happens. */
  check(): void {
    const holders = new Map<string, Call>();
    for (const call of this.held) {
      if (call.isOver || call.lock?.isHeld === false) this.held.delete(call);
      if (!call.believesToHold) continue;
      const { name } = call.take;
      const other = holders.get(name);
      if (other) this.checkTogether(other, call);
      holders.set(name, call);
    }
  }

  private checkTogether(older: Call, newer: Call): void {
    if (this.isExplained(older, newer) || this.isExplained(newer, older)) {
      this.explained++;
      this.held.delete(older); // told once
    } else {
      this.fail(`held at the same time: ${older.title}, ${newer.title}`);
    }
  }

  /** Whether a node could give a name to `other`, too, because of what the process of that could not see. */
  private isExplained({ owner }: Call, other: Call): boolean {
    return this.earlyEnds.some(({ node, owner: loser, cause, at }) => {
      const givenAt = this.givenAt.get(`${node.name} ${other.owner}`) ?? -Infinity;
      if (!isOf(owner, loser) || givenAt < at || cause === 'data') return false;
      return cause === 'eviction' || !this.couldSee(other.process, node, givenAt);
    });
  }

  /** Whether a process was told of a clock's jump with the vote that was cast then, or before. */
  private couldSee({ answers }: QuorumProcess, node: SimulatedNode, votedAt: number): boolean {
    const nodes = this.options.nodes();
    // If most clocks jump, a process takes it for its own.
    if (nodes.filter(({ steps }) => steps.length > 0).length > nodes.length / 2) return false;
    const prompt = (answers.get(node) ?? []).filter(
      ({ sentAt, takenAt, hadAt }) => takenAt <= votedAt && hadAt - sentAt <= PROMPT_MS,
    );
    return prompt.some((told) =>
      prompt.some((known) => {
        if (known.hadAt >= told.sentAt) return false;
        const apart = Math.abs(node.steppedAt(told.takenAt) - node.steppedAt(known.takenAt));
        return apart > NOTICEABLE_MS + (told.hadAt - known.sentAt) * NOTICEABLE_PART;
      }),
    );
  }

  /** All calls were to have settled in time, by the time of their processes that ran. */
  checkDeadlines(now: number): void {
    for (const call of this.calls) {
      const { process, take, settledAt, askedAt } = call;
      if (process.isCrashed) continue;
      if (settledAt === Infinity) this.fail(`${call.title} has not settled by ${now}`);
      const deadline = Math.max(askedAt + take.waitMs * 1.01, process.resumedAt);
      const lateMs = settledAt - deadline - STORE_TIMEOUT_MS * 1.01 - SLACK_MS;
      if (lateMs > 0) this.fail(`${call.title} has settled ${lateMs} ms too late`);
    }
  }
}

const isOf = (owner: string, attempt: string): boolean =>
  attempt === owner || attempt.startsWith(`${owner}.`);
