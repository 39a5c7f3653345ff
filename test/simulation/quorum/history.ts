import type {
  NodeAnswer,
  NodeHello,
  NodeMarker,
  NodeReply,
  NodeStep,
} from '../../../lib/stores/quorum/node-port.interface.js';

import { entryFrom } from '../../../lib/stores/quorum/outcome-record.js';

/** A question of a process to a node. */
export interface Asked {
  readonly process: string;
  readonly node: string;
  readonly what: 'hello' | 'highest token' | NodeMarker | readonly NodeStep[];
}

/** All that happens in a world, a line each: written only for a schedule that is told about. */
export class History {
  readonly lines: string[] = [];
  private readonly numbers = new Map<Asked, number>();
  private readonly owners = new Map<string, string>();

  constructor(
    private readonly now: () => number,
    /** Tokens and times of nodes are told as what they are more. */
    private readonly startMicros: number,
  ) {}

  note(what: string): void {
    this.lines.push(`${this.now().toFixed(1).padStart(8)}  ${what}`);
  }

  sent(asked: Asked): void {
    this.numbers.set(asked, this.numbers.size + 1);
    const { process, node, what } = asked;
    const text =
      typeof what === 'string'
        ? what
        : 'state' in what
          ? this.marker(what)
          : what.map((step) => this.step(step)).join('; ') || 'time?';
    this.note(`${process} → ${node} #${this.numbers.get(asked)}  ${text}`);
  }

  taken(asked: Asked, value: unknown): void {
    const { process, node } = asked;
    this.note(`     ${node} takes #${this.numbers.get(asked)} of ${process}: ${this.value(value)}`);
  }

  answered(asked: Asked): void {
    const { process, node } = asked;
    this.note(`${process} ← ${node} #${this.numbers.get(asked)}`);
  }

  token(token: number): string {
    return `${Math.round(token - this.startMicros)}`;
  }

  /** Owners are secrets of 36 letters: told as o1, o2 … and their attempts. */
  owner(owner: string): string {
    const [root = '', ...attempt] = owner.split('.');
    if (!this.owners.has(root)) this.owners.set(root, `o${this.owners.size + 1}`);
    return [this.owners.get(root), ...attempt].join('.');
  }

  private ownerOf(mark: string): string {
    for (const [owner, told] of this.owners) if (owner.startsWith(mark)) return told;
    return mark;
  }

  private time(ms: number): string {
    return `${Math.round(ms - this.startMicros / 1_000)} ms`;
  }

  private marker({ state, runId, votesFromMs, reason, maxTtlMs }: NodeMarker): string {
    const when = state === 'voting' ? '' : ` (${reason}) until ${this.time(votesFromMs)}`;
    return `mark ${state} ${runId}${when}, ttl ≤ ${maxTtlMs}`;
  }

  private step(step: NodeStep): string {
    if (step.type === 'list' || step.type === 'lists') return step.type;
    if (step.type === 'record') {
      const { name, claim, expected, next } = step;
      const by = claim ? ` by ${this.owner(claim.owner)} ${this.token(claim.fencingToken)}` : '';
      return `record ${name}${by}: ${this.text(expected)} → ${this.text(next)}`;
    }
    if (step.type === 'forget') return `forget ${step.name}: ${this.text(step.expected)}`;
    const who = 'owner' in step ? ` ${this.owner(step.owner)}` : '';
    const token = 'fencingToken' in step ? ` ${this.token(step.fencingToken)}` : '';
    const ttl = 'ttlMs' in step ? ` for ${step.ttlMs}` : '';
    const more =
      step.type === 'acquire'
        ? ` proposing ${this.token(step.proposal)}, ${step.tokens} token(s), wait ${step.waitMs}`
        : '';
    return `${step.type} ${step.name}${who}${token}${ttl}${more}`;
  }

  /** What is recorded, as far as it tells anything. */
  private text(text: string): string {
    const { openUpTo, attempts } = entryFrom(text);
    const told = attempts.map(({ token, rank }) => `${this.token(token)} ${rank}`);
    return `[${[...(openUpTo > 0 ? [`open to ${this.token(openUpTo)}`] : []), ...told].join(', ')}]`;
  }

  private value(value: unknown): string {
    if (value === null || typeof value !== 'object') {
      return typeof value === 'number' ? this.token(value) : String(value);
    }
    if ('replies' in value) {
      const { micros, replies } = value as NodeAnswer;
      const at = micros > 0 ? ` at ${this.token(micros)}` : '';
      return `${replies.map((reply) => this.reply(reply)).join('; ')}${at}`;
    }
    const { runId, micros, markerText, isDurable } = value as NodeHello;
    const durable = isDurable ? ', durable' : '';
    return `${runId} at ${this.token(micros)}${durable}, marker ${markerText ?? 'none'}`;
  }

  private reply(reply: NodeReply): string {
    if (reply.type === 'granted') {
      const { fencingToken, lastToken } = reply;
      const last = lastToken > fencingToken ? `…+${lastToken - fencingToken}` : '';
      return `granted ${this.token(fencingToken)}${last}`;
    }
    if (reply.type === 'other-token') return `other token ${this.token(reply.fencingToken)}`;
    if (reply.type === 'recalled' || reply.type === 'unclaimed') {
      return `${reply.type} ${this.text(reply.text)}`;
    }
    const lease = 'lease' in reply ? reply.lease : undefined;
    if (!lease) return reply.type;
    const { mark, fencingToken, remainingMs } = lease;
    const held = `${this.ownerOf(mark)} ${this.token(fencingToken)} for ${remainingMs} ms`;
    return `${reply.type} (${held})`;
  }
}
