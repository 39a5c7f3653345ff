import type { Attempt, OutcomeRecord } from '../outcome.interface.js';
import { isOver, isProcessed, type OutcomeEntry, type RecordedAttempt } from './outcome-record.js';

const MOST_TOLD = 8;

/** What an entry comes to at a time. */
export interface OutcomeStanding {
  /** Those that count, the earliest first. */
  readonly attempts: readonly RecordedAttempt[];
  /** Whoever did it, the first first; none if it is not processed. */
  readonly processed: readonly RecordedAttempt[];
  /** The last that has begun and has not told the end. */
  readonly last: RecordedAttempt | undefined;
  /** All up to this token are as if they had never been, but for those that are processed. */
  readonly closedUpTo: number;
}

/** @param now in ms of the nodes' clocks */
export function standingOf(entry: OutcomeEntry, now: number): OutcomeStanding {
  let closedUpTo = entry.openUpTo;
  for (const attempt of entry.attempts) {
    const { token, covers = token, rank } = attempt;
    // What was cleared, and what never ran, say nothing of others.
    const counted = rank !== 'void' && rank !== 'cleared';
    if (counted && isOver(attempt, now)) closedUpTo = Math.max(closedUpTo, covers);
  }
  const attempts = entry.attempts.filter((each) => {
    const { token, rank } = each;
    if (isOver(each, now)) return false;
    return isProcessed(each) || (token > closedUpTo && (rank === 'begun' || rank === 'failed'));
  });
  const processed = attempts.filter(isProcessed).sort((a, b) => a.doneAt! - b.doneAt!);
  const last = attempts.findLast(({ rank }) => rank === 'begun');
  return { attempts, processed, last, closedUpTo };
}

/**
 * What others are told; `null` if the element is open.
 *
 * @param isAtWork whether a lock with this token may be held
 */
export function recordOf(
  name: string,
  { attempts, processed, last }: OutcomeStanding,
  isAtWork: (token: number) => boolean,
): OutcomeRecord | null {
  const [first] = processed;
  const main = first ?? last;
  if (!main) return null;
  const told = attempts.slice(-MOST_TOLD);
  return {
    name,
    job: attempts.at(-1)!.job,
    state: first ? 'processed' : isAtWork(last!.token) ? 'running' : 'unknown',
    attempts: told.map((attempt) => toAttempt(attempt, isAtWork)),
    processedAt: first ? new Date(first.doneAt!) : null,
    expiresAt: toDate(endOf(first ? processed : [last!])),
    fingerprint: fingerprintOf({ attempts, processed }),
    result: first?.result,
    resultMissing: first?.missing,
  };
}

export function fingerprintOf({
  attempts,
  processed,
}: Pick<OutcomeStanding, 'attempts' | 'processed'>): string | undefined {
  const known = attempts.findLast(({ fingerprint }) => fingerprint !== undefined);
  return processed[0]?.fingerprint ?? known?.fingerprint;
}

/** Until when it counts, in ms; 0 for ever. */
export function endOf(attempts: readonly RecordedAttempt[]): number {
  const ends = attempts.map(({ until }) => until);
  return ends.includes(0) ? 0 : Math.max(...ends);
}

function toAttempt(
  { token, isDecision, holder, since, rank }: RecordedAttempt,
  isAtWork: (token: number) => boolean,
): Attempt {
  const open = isAtWork(token) ? 'running' : 'unknown';
  const ended = isDecision ? 'resolved' : rank === 'begun' ? open : rank;
  return {
    fencingToken: isDecision ? 0 : token,
    holder,
    since: new Date(since),
    outcome: ended as Attempt['outcome'],
  };
}

const toDate = (ms: number): Date | null => (ms > 0 ? new Date(ms) : null);
