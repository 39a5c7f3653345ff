import type { Holder } from '../lock-store.interface.js';
import type { OnceRequest, Outcome, ResolveRequest } from '../outcome.interface.js';
import {
  attemptWith,
  entryOf,
  isOver,
  isProcessed,
  type OutcomeEntry,
  type RecordedAttempt,
  withAttempt,
} from './outcome-record.js';
import { standingOf } from './outcome-view.js';

/**
 * What somebody does to an element. It may be done again to what comes of it, with more that has become known
 * meanwhile: then it changes nothing but what follows from that.
 */
export type OutcomeChange = (entry: OutcomeEntry) => OutcomeEntry;

export const AS_IT_IS: OutcomeChange = (entry) => entry;

/** Tells the attempts of one wait from others; what comes after the dot counts them. */
export const authorOf = (owner: string): string => owner.split('.')[0]!.slice(0, 18);

export interface Beginning {
  readonly token: number;
  readonly owner: string;
  readonly holder: Holder;
  readonly now: number;
  readonly once: OnceRequest;
}

/** It has begun, under the lock with this token. */
export const beginning =
  ({ token, owner, holder, now, once }: Beginning): OutcomeChange =>
  (entry) => {
    const former = attemptWith(entry, token);
    if (former && !isOver(former, now)) return entry;
    const { last, closedUpTo } = standingOf(entry, now);
    const { job, keepMs, fingerprint } = once;
    // What an earlier try has left behind is not forgotten sooner because of this one.
    const until = last?.until === 0 ? 0 : endIn(keepMs, now);
    const alive = entry.attempts.filter((each) => !isProcessed(each) || !isOver(each, now));
    // Those before it that count no longer; it itself may be asked for again.
    const openUpTo = Math.max(entry.openUpTo, Math.min(closedUpTo, token - 1));
    const by = authorOf(owner);
    const attempt = { token, rank: 'begun', job, by, holder, since: now, until } as const;
    return withAttempt(entryOf(openUpTo, alive), { ...attempt, fingerprint });
  };

/** Which attempt is meant: the one with this token, or what this owner has begun. */
export interface Meant {
  readonly owner: string;
  readonly token: number | undefined;
}

const isMeant = (attempt: RecordedAttempt, { owner, token }: Meant): boolean =>
  !attempt.isDecision &&
  (token === undefined ? attempt.by === authorOf(owner) : attempt.token === token);

/** It never ran: what was known before is what is known. */
export const unbegun =
  (meant: Meant): OutcomeChange =>
  (entry) =>
    entry.attempts
      .filter((each) => each.rank === 'begun' && isMeant(each, meant))
      .reduce((before, each) => withAttempt(before, { ...each, rank: 'void' }), entry);

/** It failed: the element is open again, unless somebody else is at it, or has done it. */
export const failure =
  (meant: Meant, now: number): OutcomeChange =>
  (entry) => {
    const { last, processed } = standingOf(entry, now);
    if (last && isMeant(last, meant) && processed.length === 0) return opened(entry, last.token);
    const attempt = entry.attempts.find((each) => each.rank === 'begun' && isMeant(each, meant));
    if (!attempt || meant.token === undefined) return entry;
    return withAttempt(entry, { ...attempt, rank: 'failed' });
  };

export interface Success {
  readonly token: number;
  readonly owner: string;
  readonly now: number;
  readonly told: Extract<Outcome, { kind: 'processed' }>;
}

/** It is done, and must not be done again. */
export const success =
  ({ token, owner, now, told }: Success): OutcomeChange =>
  (entry) => {
    const former = attemptWith(entry, token);
    if (former && (isProcessed(former) || former.rank === 'cleared')) return entry;
    const { job, holder, retentionMs, fingerprint, result, resultMissing: missing } = told;
    return withAttempt(entry, {
      ...(former ?? { token, job, holder, by: authorOf(owner), since: now }),
      rank: 'processed',
      until: endIn(retentionMs, now),
      fingerprint: fingerprint ?? former?.fingerprint,
      result,
      missing,
      ...doneNow(entry, token, now),
    });
  };

/** It was done without its lock. */
export const lateness =
  (token: number): OutcomeChange =>
  (entry) => {
    const attempt = attemptWith(entry, token);
    return attempt?.rank === 'processed' ? withAttempt(entry, { ...attempt, rank: 'late' }) : entry;
  };

/** Somebody has decided upon the last attempt, whose outcome is unknown. */
export const decision =
  (request: ResolveRequest, now: number): OutcomeChange =>
  (entry) => {
    const { fencingToken: token, job, holder, retentionMs } = request;
    if (request.decision === 'retry') return opened(entry, token);
    if (entry.attempts.some((each) => each.isDecision && each.token === token)) return entry;
    return withAttempt(entry, {
      token,
      isDecision: true,
      rank: 'processed',
      job,
      by: '',
      holder,
      since: now,
      until: endIn(retentionMs, now),
      ...doneNow(entry, token, now),
    });
  };

const NOTHING_TOLD = { result: undefined, missing: undefined, fingerprint: undefined };

/** What has been seen of it counts no longer. */
export const clearance =
  (seen: OutcomeEntry): OutcomeChange =>
  (entry) => {
    const latest = Math.max(seen.openUpTo, ...seen.attempts.map(({ token }) => token));
    return seen.attempts
      .filter(isProcessed)
      .map((each): RecordedAttempt => ({ ...each, ...NOTHING_TOLD, rank: 'cleared' }))
      .reduce(withAttempt, opened(entry, latest));
  };

const opened = (entry: OutcomeEntry, token: number): OutcomeEntry =>
  entryOf(Math.max(entry.openUpTo, token), entry.attempts);

/** Later than all that were done before, whatever the clocks say: the result of the first one stays. */
function doneNow(entry: OutcomeEntry, token: number, now: number) {
  const before = entry.attempts.map(({ doneAt = 0 }) => doneAt);
  const doneAt = Math.max(now, ...before.map((at) => at + 1));
  const covers = Math.max(token, ...entry.attempts.map((each) => each.token));
  return { doneAt, covers };
}

const endIn = (ms: number, now: number): number => (ms === Infinity ? 0 : Math.floor(now + ms));
