import type { NamesPage, OutcomeRecord } from '../outcome.interface.js';
import { isScanCursor, parseCursor } from '../outcome-cursor.js';
import type { Electorate } from './electorate.js';
import type { NodeReply } from './node-port.interface.js';
import { Poll } from './poll.js';
import { tooFewNodes } from './quorum-errors.js';
import type { QuorumNode } from './quorum-node.js';

/** How many names a page has of each node, and how many a count asks for at once. */
const NAMES_OF_A_NODE = 250;
const NAMES_TO_COUNT = 2_000;

type Which = 'processed' | 'begun';
/** Where each node goes on, by its index; null where it is at its end. */
type Cursors = Readonly<Record<string, string | null>>;

const isCursors = (value: unknown): value is Cursors =>
  typeof value === 'object' &&
  value !== null &&
  Object.values(value).every((each) => each === null || isScanCursor(each));

export interface Listing {
  readonly electorate: Electorate;
  readonly read: (name: string) => Promise<OutcomeRecord | null>;
}

/** A page of the names that any of a majority lists, and that are what they are listed as. */
export async function namesOf(
  { electorate, read }: Listing,
  job: string,
  which: Which,
  cursor?: string,
): Promise<NamesPage> {
  const from = cursor ? parseCursor(cursor, isCursors) : {};
  const { names, cursors } = await pageOf(electorate, job, which, from, NAMES_OF_A_NODE);
  const records = await Promise.all([...names.keys()].map(read));
  const isListed = (record: OutcomeRecord | null): record is OutcomeRecord =>
    record?.job === job && (record.state === 'processed') === (which === 'processed');
  const isEnd = Object.values(cursors).every((each) => each === null);
  return {
    names: records.filter(isListed).map(({ name }) => name),
    cursor: isEnd ? undefined : JSON.stringify(cursors),
  };
}

/** Looks closer only at names that not all of the nodes list alike. */
export async function countOf(
  { electorate, read }: Listing,
  job: string,
): Promise<{ readonly processed: number; readonly begun: number }> {
  const counts = { processed: 0, begun: 0 };
  const unsure = new Set<string>();
  for (const which of ['processed', 'begun'] as const) {
    const listed = new Map<string, Set<string>>();
    let cursors: Cursors = {};
    do {
      const page = await pageOf(electorate, job, which, cursors, NAMES_TO_COUNT);
      ({ cursors } = page);
      for (const [name, by] of page.names) {
        listed.set(name, new Set([...(listed.get(name) ?? []), ...by]));
      }
    } while (Object.values(cursors).some((each) => each !== null));
    for (const [name, by] of listed) {
      if (by.size >= electorate.majority && !unsure.has(name)) counts[which]++;
      else unsure.add(name);
    }
  }
  for (const record of await Promise.all([...unsure].map(read))) {
    if (record?.job === job) counts[record.state === 'processed' ? 'processed' : 'begun']++;
  }
  return counts;
}

interface Page {
  /** With the nodes that list them. */
  readonly names: ReadonlyMap<string, readonly string[]>;
  readonly cursors: Cursors;
}

/** Where a node gives no answer, another is asked in its place. */
async function pageOf(...asked: Parameters<typeof askForPage>): Promise<Page> {
  const [electorate] = asked;
  for (let left = electorate.nodes.length - electorate.majority; ; left--) {
    try {
      return await askForPage(...asked);
    } catch (error) {
      if (left === 0 || electorate.votingCount < electorate.majority) throw error;
    }
  }
}

/**
 * The next names of each node. Where one cannot be asked any more, another takes its place, from its beginning:
 * what is there all the while is told at least once by a majority.
 */
async function askForPage(
  electorate: Electorate,
  job: string,
  which: Which,
  from: Cursors,
  count: number,
): Promise<Page> {
  const { nodes, majority } = electorate;
  const voters = nodes.filter((node) => node.canVote);
  const begun = voters.filter(({ index }) => from[index] !== undefined);
  const others = voters.filter((node) => !begun.includes(node));
  const listing = [...begun, ...others].slice(0, majority);
  if (listing.length < majority) throw tooFewNodes(electorate);
  const asked = listing.filter(({ index }) => from[index] !== null);
  const names = new Map<string, string[]>();
  const cursors: Record<string, string | null> = {};
  for (const { index } of listing) cursors[index] = null;
  await Promise.all(
    asked.map(async (node) => {
      const cursor = from[node.index] ?? '0';
      const page = await askOne(node, { type: 'list', id: `${which}:${job}`, cursor, count });
      cursors[node.index] = page.cursor === '0' ? null : page.cursor;
      for (const name of page.names) {
        names.set(name, [...(names.get(name) ?? []), String(node.index)]);
      }
    }),
  );
  return { names, cursors };
}

function askOne(
  node: QuorumNode,
  step: Parameters<QuorumNode['ask']>[0],
): Promise<Extract<NodeReply, { type: 'listed' }>> {
  const poll = new Poll<Extract<NodeReply, { type: 'listed' }>>(
    ({ pending, replies, lastError }) => {
      const reply = replies[node.index];
      if (reply?.type === 'listed') return reply;
      if (pending > 0) return undefined;
      throw lastError ?? new Error(`${node.description} does not vote any more`);
    },
  );
  return poll.ask([node], step);
}
