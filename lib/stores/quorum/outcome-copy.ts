import type { ListId, NodePort, NodeReply, NodeStep } from './node-port.interface.js';
import { entryFrom, join, type OutcomeEntry } from './outcome-record.js';
import { recordStep } from './record-write.js';

const NAMES_AT_ONCE = 250;
const MOST_TRIES = 8;

/** A node, and the marker that it must have still. */
export interface MarkedNode {
  readonly port: NodePort;
  readonly marker: string;
}

/** A node has not the marker that was known of it: it may have forgotten. */
export class OtherMarkerError extends Error {
  constructor(readonly port: NodePort) {
    super(`${port.description} is not what it was`);
  }
}

export class NoAnswerError extends Error {
  constructor(readonly port: NodePort) {
    super(`${port.description} gave no answer in time`);
  }
}

export interface CopyTools {
  /** In ms of the nodes' clocks. */
  now(): number;
  /** `undefined` for an answer that takes too long. */
  within<T>(promise: Promise<T>): Promise<T | undefined>;
  /** It goes on; `false` if it is of no use any more. */
  goesOn(): boolean;
}

/**
 * Gives a node what others know of all that is done once: it has forgotten, and is about to vote.
 *
 * One that knows of nothing is asked a single question.
 */
export async function copyOutcomes(
  from: MarkedNode,
  to: MarkedNode,
  tools: CopyTools,
): Promise<void> {
  // What is begun may be processed while it is read: it is looked for first where it comes from.
  await copyLists((id) => id.startsWith('begun'), from, to, tools);
  await copyLists((id) => !id.startsWith('begun'), from, to, tools);
}

async function copyLists(
  isMeant: (id: ListId) => boolean,
  from: MarkedNode,
  to: MarkedNode,
  tools: CopyTools,
): Promise<void> {
  const ids = pages(from, (cursor) => ({ type: 'lists', cursor }), tools);
  for await (const some of ids) {
    for (const id of (some as ListId[]).filter(isMeant)) {
      const list = (cursor: string) =>
        ({ type: 'list', id, cursor, count: NAMES_AT_ONCE }) as const;
      for await (const names of pages(from, list, tools)) {
        await copyThese([...new Set(names)], from, to, tools);
      }
    }
  }
}

async function* pages(
  from: MarkedNode,
  step: (cursor: string) => NodeStep,
  tools: CopyTools,
): AsyncGenerator<readonly string[]> {
  let cursor = '0';
  do {
    const [reply] = await ask(from, [step(cursor)], tools);
    if (reply?.type !== 'listed') throw unexpected(reply, from);
    if (reply.names.length > 0) yield reply.names;
    ({ cursor } = reply);
  } while (cursor !== '0');
}

async function copyThese(
  names: readonly string[],
  from: MarkedNode,
  to: MarkedNode,
  tools: CopyTools,
): Promise<void> {
  const recalled = await ask(
    from,
    names.map((name) => ({ type: 'recall', name })),
    tools,
  );
  let left = names.flatMap((name, i): { name: string; expected: string; entry: OutcomeEntry }[] => {
    const { text, entry } = recordIn(recalled[i], from);
    return text && entry ? [{ name, expected: '', entry }] : [];
  });
  for (let tries = 0; left.length > 0; tries++) {
    if (tries >= MOST_TRIES) throw new Error(`${to.port.description} is told of too much else`);
    const now = tools.now();
    const steps = left.map(({ name, expected, entry }) => recordStep(name, expected, entry, now));
    const replies = await ask(to, steps, tools);
    left = left.flatMap(({ name, entry }, i) => {
      const reply = replies[i];
      if (reply?.type === 'recorded') return [];
      const known = recordIn(reply, to);
      return known.entry ? [{ name, expected: known.text, entry: join(entry, known.entry) }] : [];
    });
  }
}

/** No entry where it is somebody else's key: a single name must not keep a node from voting. */
function recordIn(
  reply: NodeReply | undefined,
  node: MarkedNode,
): { readonly text: string; readonly entry?: OutcomeEntry } {
  if (reply?.type === 'failed' && reply.error.message.includes('WRONGTYPE')) return { text: '' };
  if (reply?.type !== 'recalled') throw unexpected(reply, node);
  const { text } = reply;
  try {
    return { text, entry: entryFrom(text) };
  } catch {
    return { text };
  }
}

const unexpected = (reply: NodeReply | undefined, { port }: MarkedNode): Error =>
  reply?.type === 'failed' ? reply.error : new OtherMarkerError(port);

async function ask(
  { port, marker }: MarkedNode,
  steps: readonly NodeStep[],
  tools: CopyTools,
): Promise<readonly NodeReply[]> {
  if (!tools.goesOn()) throw new Error('it is of no use any more');
  const answer = await tools.within(port.take(marker, steps));
  if (!answer) throw new NoAnswerError(port);
  return answer.replies;
}
