import type {
  ForgetStep,
  ListId,
  ListsStep,
  ListStep,
  NodeReply,
  RecallStep,
  RecordStep,
} from './node-port.interface.js';
import type { EncodedStep } from './node-step-codec.js';
import type { QuorumKeySpace } from './quorum-keys.js';

/** The steps that are about what is done once. */
export type OutcomeStep = RecallStep | RecordStep | ForgetStep | ListStep | ListsStep;

const RECORDED: NodeReply = { type: 'recorded' };
const NO_VOTE: NodeReply = { type: 'no-vote' };

/** Writes such a step for the script of votes, and reads its reply. */
export function encodeOutcomeStep(step: OutcomeStep, keys: QuorumKeySpace): EncodedStep {
  const plain = { parse: toReply, holder: '' } as const;
  const listKey = (id: ListId | undefined): string => keys.list(id ?? 'kept');
  switch (step.type) {
    case 'recall': {
      const { lease, outcome } = keys.of(step.name);
      return { keys: [lease, outcome], args: ['g'], ...plain };
    }
    case 'record': {
      const { lease, outcome } = keys.of(step.name);
      const { name, expected, next, from = '', to = '', claim } = step;
      const times = [step.endsMs, step.listedUntil].map(String) as [string, string];
      const keeps = step.isKept ? '1' : '';
      const by = claim ? [claim.owner, String(claim.fencingToken)] : ['', ''];
      return {
        keys: [lease, outcome, listKey(step.from), listKey(step.to), listKey('kept'), keys.lists],
        args: ['w', name, expected, next, times[0], from, to, times[1], keeps, ...by],
        ...plain,
      };
    }
    case 'forget': {
      const { lease, outcome } = keys.of(step.name);
      return {
        keys: [lease, outcome, listKey('kept'), keys.lists],
        args: ['x', step.name, step.expected],
        ...plain,
      };
    }
    case 'list': {
      const { id, cursor, count } = step;
      const args = ['l', id, cursor, String(count)];
      return { keys: [keys.list(id), keys.lists], args, parse: toListed, holder: '' };
    }
    case 'lists':
      return { keys: [keys.lists], args: ['j', step.cursor], parse: toListed, holder: '' };
  }
}

function toReply(reply: unknown): NodeReply {
  if (!Array.isArray(reply)) return NO_VOTE;
  const [code, text, mark, token] = reply as unknown[];
  if (Number(code) === 1) return RECORDED;
  return {
    type: Number(code) === 0 ? 'recalled' : 'unclaimed',
    text: String(text),
    mark: String(mark),
    fencingToken: Number(token),
  };
}

function toListed(reply: unknown): NodeReply {
  if (!Array.isArray(reply)) return NO_VOTE;
  const [cursor, names] = reply as [unknown, unknown[]];
  return { type: 'listed', cursor: String(cursor), names: names.map(String) };
}
