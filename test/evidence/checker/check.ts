import type { HistoryEntry } from '../history/entry.js';
import { faultSpansOf } from '../history/fault-spans.js';
import { callsOf, windowsOf } from './call.js';
import { findHung, type Limits } from './calls-in-time.js';
import { findOverlaps, findTooMany } from './exclusion.js';
import { ProcessLives } from './process-lives.js';
import { longestGap, recoveriesOf, type Recovery } from './recovery.js';
import { type CounterRecord, findGuardFailures, lostUnguarded } from './storage-account.js';
import { findFailedReleases } from './failed-releases.js';
import { findUnruly } from './unruly-processes.js';
import { findWrongTokens } from './tokens.js';
import { findToldLate } from './told-in-time.js';
import type { Violation } from './violation.js';

export interface Evidence {
  readonly entries: readonly HistoryEntry[];
  readonly counters: readonly CounterRecord[];
  /** Keys that were still there when every lease must have ended. */
  readonly keysLeft: readonly string[];
  readonly permits: number;
  readonly limits: Limits;
  /** When the clients were told to stop: until then they wanted what they want. */
  readonly endsAt: number;
  readonly overAt: number;
  /** For how long after a fault a call may still fail. */
  readonly reconnectMs?: number;
  /** The name that is wanted always. */
  readonly busyName: string;
}

export interface Verdict {
  readonly calls: number;
  readonly granted: number;
  readonly violations: readonly Violation[];
  /** Writes that the guard refused since a newer token had been there. */
  readonly staleWrites: number;
  /** Updates of the counter without a guard that were overwritten. */
  readonly lostUpdates: number;
  readonly recoveries: readonly Recovery[];
  /** The longest time in which nobody took the name that is wanted always, up to the end, in ms. */
  readonly longestGapMs: number;
}

/** Finds in the histories of all processes, and in what is left, whatever must not be. */
export function check(evidence: Evidence): Verdict {
  const { entries, counters, keysLeft, permits, limits, endsAt, overAt, busyName } = evidence;
  const { reconnectMs = 0 } = evidence;
  const calls = callsOf(entries);
  const windows = windowsOf(calls);
  const lives = new ProcessLives(entries);
  const left = keysLeft.map((key): Violation => ({
    kind: 'key left',
    text: `${key} is still there`,
    from: overAt,
    to: overAt,
    ms: 0,
  }));
  const violations = [
    ...findOverlaps(windows),
    ...findTooMany(windows, permits),
    ...findWrongTokens(windows),
    ...findGuardFailures(counters, overAt),
    ...findHung(calls, lives, limits, overAt),
    ...findToldLate(windows, lives, permits),
    ...findFailedReleases(calls, faultSpansOf(entries), reconnectMs),
    ...findUnruly(entries, endsAt),
    ...left,
  ];
  const writes = calls.flatMap((call) => call.writes);
  return {
    calls: calls.length,
    granted: windows.length,
    violations: violations.sort((a, b) => a.from - b.from),
    staleWrites: writes.filter(({ result }) => result === 'stale').length,
    lostUpdates: lostUnguarded(counters),
    recoveries: recoveriesOf(entries, windows, overAt),
    longestGapMs: longestGap(calls, busyName, endsAt),
  };
}
