import type { Holder } from '../lock-store.interface.js';
import type { NodeLease, NodeReply, NodeStep } from './node-port.interface.js';
import type { QuorumKeySpace } from './quorum-keys.js';
import { encodeOutcomeStep } from './record-step-codec.js';

/** A step as the script of votes takes it. */
export interface EncodedStep {
  readonly keys: readonly string[];
  readonly args: readonly string[];
  readonly parse: (reply: unknown) => NodeReply;
  /** Who asks, where it is to be written; '' where it is not. */
  readonly holder: string;
}

const DONE: NodeReply = { type: 'done' };
const DONE_AND_TOLD: NodeReply = { type: 'done', isWaitedFor: true };
const FREE: NodeReply = { type: 'free' };
const BUSY: NodeReply = { type: 'busy' };
const FORCED: NodeReply = { type: 'forced' };
const AHEAD: NodeReply = { type: 'ahead' };
const NO_VOTE: NodeReply = { type: 'no-vote' };

/** Writes steps for the script, and reads its replies. The same step goes to every node. */
export class NodeStepCodec {
  private lastStep: NodeStep | undefined;
  private lastEncoded: EncodedStep | undefined;
  private lastHolder: Holder | undefined;
  private lastDescription = '';

  constructor(private readonly keys: QuorumKeySpace) {}

  encode(step: NodeStep): EncodedStep {
    if (step === this.lastStep) return this.lastEncoded!;
    this.lastEncoded = this.write(step);
    this.lastStep = step;
    return this.lastEncoded;
  }

  private write(step: NodeStep): EncodedStep {
    if (step.type === 'list' || step.type === 'lists') return encodeOutcomeStep(step, this.keys);
    const { lease, waiters, forced, counter } = this.keys.of(step.name);
    switch (step.type) {
      case 'acquire': {
        const { owner, ttlMs, proposal, tokens, waitMs } = step;
        const letter = tokens === 1 ? `a ${waitMs}` : `b ${tokens} ${waitMs}`;
        return {
          keys: [lease, waiters, counter],
          args: [letter, owner, String(ttlMs), String(proposal)],
          parse: toAcquireReply,
          holder: this.describe(step.holder),
        };
      }
      case 'confirm': {
        const { owner, fencingToken, lastToken, ttlMs } = step;
        const args = ['c', owner, String(fencingToken), String(lastToken), String(ttlMs)];
        return { keys: [lease, counter], args, parse: toReply, holder: '' };
      }
      case 'renew': {
        const args = ['n', step.owner, String(step.fencingToken), String(step.ttlMs)];
        return { keys: [lease, forced], args, parse: toReply, holder: '' };
      }
      case 'adopt': {
        const args = ['d', step.owner, String(step.fencingToken), String(step.ttlMs)];
        const holder = this.describe(step.holder);
        return { keys: [lease, forced, counter, waiters], args, parse: toReply, holder };
      }
      case 'transfer': {
        const { owner, fencingToken, newOwner, ttlMs } = step;
        const args = ['t', owner, String(fencingToken), newOwner, String(ttlMs)];
        const holder = this.describe(step.holder);
        return { keys: [lease, forced, waiters], args, parse: toReply, holder };
      }
      case 'release': {
        const letter = step.leaves ? 'r' : 'R';
        const args = [step.minHoldMs > 0 ? `${letter} ${step.minHoldMs}` : letter, step.owner];
        return { keys: [lease, waiters], args, parse: toReply, holder: '' };
      }
      case 'inspect':
        return { keys: [lease, waiters], args: ['i'], parse: toFound, holder: '' };
      case 'force':
        return {
          keys: [lease, waiters, forced],
          args: ['f', step.mark ?? ''],
          parse: toForced,
          holder: '',
        };
      default:
        return encodeOutcomeStep(step, this.keys);
    }
  }

  /** As it is written into every lease: made once, since a service has one. */
  private describe(holder: Holder): string {
    if (holder !== this.lastHolder) {
      this.lastHolder = holder;
      this.lastDescription = JSON.stringify(holder);
    }
    return this.lastDescription;
  }
}

const toGranted = (first: unknown, last: unknown, others: unknown): NodeReply => ({
  type: 'granted',
  fencingToken: Number(first),
  lastToken: Number(last),
  isWaitedFor: Number(others) > 0,
});

function toAcquireReply(reply: unknown): NodeReply {
  if (Array.isArray(reply)) {
    const [first, second, third] = reply as unknown[];
    if (Number(first) > 0) return toGranted(first, second, third);
    return reply.length > 1 ? { type: 'busy', lease: toLease(reply) } : BUSY;
  }
  const code = Number(reply);
  if (code === -4) return NO_VOTE;
  return code === -5 ? AHEAD : toGranted(code, code, 0);
}

function toReply(reply: unknown): NodeReply {
  if (Array.isArray(reply)) return { type: 'other-token', fencingToken: Number(reply[0]) };
  switch (Number(reply)) {
    case 1:
      return DONE;
    case 2:
      return DONE_AND_TOLD;
    case 0:
      return FREE;
    case -3:
      return FORCED;
    case -4:
      return NO_VOTE;
    default:
      return BUSY;
  }
}

function toFound(reply: unknown): NodeReply {
  const values = reply as unknown[];
  const lease = values.length > 1 ? toLease(values) : null;
  return { type: 'found', lease, waiting: Number(values[0]) };
}

const toForced = (reply: unknown): NodeReply =>
  Array.isArray(reply) ? { type: 'done', lease: toLease(reply) } : toReply(reply);

function toLease(reply: readonly unknown[]): NodeLease {
  const [, mark, token, since, remaining, holder] = reply;
  return {
    mark: String(mark),
    fencingToken: Number(token),
    sinceMs: Number(since),
    remainingMs: Math.max(0, Number(remaining)),
    holder: JSON.parse(String(holder)) as Holder,
  };
}
