import type { Holder } from '../lock-store.interface.js';

/**
 * What is known of one attempt at an element. It only ever moves on:
 *
 * `begun`, `void` (it never ran), `failed`, `processed`, `late` (processed, without its lock), `cleared`.
 */
export type AttemptRank = (typeof RANKS)[number];

/** One attempt, as nodes keep it. */
export interface RecordedAttempt {
  /** The fencing token of its lock; of a decision, that of the attempt that is decided upon. */
  readonly token: number;
  /** It is no attempt: somebody decided that the one with this token counts as processed. */
  readonly isDecision?: true;
  readonly rank: AttemptRank;
  readonly job: string;
  /** The beginning of who took the lock, which proves nothing. */
  readonly by: string;
  readonly holder: Holder;
  /** When it began, in ms of the nodes' clocks, as all times here. */
  readonly since: number;
  /** Until when it counts; 0 for ever. */
  readonly until: number;
  readonly fingerprint?: string | undefined;
  /** When it was marked as processed. */
  readonly doneAt?: number | undefined;
  /** The last token that was known then: when this one counts no longer, nor do those. */
  readonly covers?: number | undefined;
  readonly result?: string | undefined;
  readonly missing?: string | undefined;
}

/**
 * What is known of an element that is done once.
 *
 * Nodes are told at different times, in any order, and may miss some of it; `join` puts together what two of
 * them know. It is commutative, associative and idempotent, so that all come to the same in the end.
 */
export interface OutcomeEntry {
  /** Attempts up to this token are as if they had never been, but for those that are processed. */
  readonly openUpTo: number;
  /** By their tokens. */
  readonly attempts: readonly RecordedAttempt[];
}

const RANKS = ['begun', 'void', 'failed', 'processed', 'late', 'cleared'] as const;
/** Earlier ones stay only if they are processed, or were: many more than are told. */
const MOST_KEPT = 16;

export const NOTHING: OutcomeEntry = { openUpTo: 0, attempts: [] };

export const isProcessed = ({ rank }: RecordedAttempt): boolean =>
  rank === 'processed' || rank === 'late';

/** Whether it counts no longer. */
export const isOver = ({ until }: RecordedAttempt, now: number): boolean =>
  until > 0 && until <= now;

/** What a later attempt does not make void. */
const lasts = (attempt: RecordedAttempt): boolean =>
  isProcessed(attempt) || attempt.rank === 'cleared';

export function join(one: OutcomeEntry, other: OutcomeEntry): OutcomeEntry {
  if (one === other || other.attempts.length + other.openUpTo === 0) return one;
  const attempts = new Map<string, RecordedAttempt>();
  for (const attempt of [...one.attempts, ...other.attempts]) {
    const key = keyOf(attempt);
    const former = attempts.get(key);
    if (!former || compare(former, attempt) < 0) attempts.set(key, attempt);
  }
  return entryOf(Math.max(one.openUpTo, other.openUpTo), [...attempts.values()]);
}

/** Leaves out what nobody needs: whoever still has it learns by the rest that it does not count. */
export function entryOf(openUpTo: number, all: readonly RecordedAttempt[]): OutcomeEntry {
  const attempts = all
    .filter((each) => each.token > openUpTo || lasts(each))
    .sort((a, b) => a.token - b.token || Number(a.isDecision ?? 0) - Number(b.isDecision ?? 0));
  const least = attempts.at(-MOST_KEPT)?.token ?? 0;
  return { openUpTo, attempts: attempts.filter((each) => each.token >= least || lasts(each)) };
}

/** With one attempt in the place of what was known of it. */
export function withAttempt(entry: OutcomeEntry, attempt: RecordedAttempt): OutcomeEntry {
  const key = keyOf(attempt);
  const others = entry.attempts.filter((each) => keyOf(each) !== key);
  return entryOf(entry.openUpTo, [...others, attempt]);
}

export function attemptWith(entry: OutcomeEntry, token: number): RecordedAttempt | undefined {
  return entry.attempts.find((each) => each.token === token && !each.isDecision);
}

/** The same entry is the same text, whoever writes it: nodes compare texts. '' for nothing. */
export function textOf(entry: OutcomeEntry): string {
  if (entry.attempts.length === 0 && entry.openUpTo === 0) return '';
  return JSON.stringify([entry.openUpTo, ...entry.attempts.map(valuesOf)]);
}

/** @throws if the text is none that `textOf` has written */
export function entryFrom(text: string): OutcomeEntry {
  if (text === '') return NOTHING;
  const [openUpTo, ...attempts] = JSON.parse(text) as [number, ...Values[]];
  return { openUpTo, attempts: attempts.map(attemptOf) };
}

type Values = (string | number | Holder | null)[];

const FIELDS = [
  'token',
  'isDecision',
  'rank',
  'until',
  'job',
  'by',
  'since',
  'holder',
  'fingerprint',
  'doneAt',
  'covers',
  'result',
  'missing',
] as const satisfies readonly (keyof RecordedAttempt)[];

function valuesOf(attempt: RecordedAttempt): Values {
  const values = FIELDS.map((field): Values[number] => {
    const value = attempt[field];
    if (field === 'holder') {
      const { service, host, pid } = attempt.holder;
      return { service, host, pid };
    }
    return value === true ? 1 : ((value ?? null) as Values[number]);
  });
  while (values.at(-1) === null) values.pop();
  return values;
}

function attemptOf(values: Values): RecordedAttempt {
  const fields = FIELDS.map((field, i): [string, unknown] => {
    const value = values[i] ?? undefined;
    return [field, field === 'isDecision' && value !== undefined ? true : value];
  });
  const told = fields.filter(([, value]) => value !== undefined);
  return Object.fromEntries(told) as unknown as RecordedAttempt;
}

const keyOf = ({ token, isDecision }: RecordedAttempt): string =>
  `${token}${isDecision ? '!' : ''}`;

/** Which of two accounts of one attempt counts: any order does, as long as it is one. */
function compare(one: RecordedAttempt, other: RecordedAttempt): number {
  const rank = RANKS.indexOf(one.rank) - RANKS.indexOf(other.rank);
  if (rank !== 0) return rank;
  const length = lengthOf(one) - lengthOf(other);
  if (length !== 0) return length;
  const [text, otherText] = [one, other].map((each) => JSON.stringify(valuesOf(each)));
  return text! < otherText! ? -1 : text! > otherText! ? 1 : 0;
}

/** `Infinity - Infinity` is no number. */
const lengthOf = ({ until }: RecordedAttempt): number =>
  until === 0 ? Number.MAX_SAFE_INTEGER : until;
