import type { Violation, ViolationKind } from '../checker/violation.js';
import type { LibraryName } from '../client/plan.js';
import type { Run } from '../run-fault.js';
import { judge } from './judge.js';

type KindCounts = Readonly<Partial<Record<ViolationKind, number>>>;

/** A run as numbers. */
export interface Summary {
  readonly fault: string;
  readonly title: string;
  readonly library: LibraryName;
  readonly times: number;
  readonly calls: number;
  readonly granted: number;
  readonly within: number;
  readonly outside: number;
  readonly kinds: KindCounts;
  /** Of those within the contract. */
  readonly withinKinds: KindCounts;
  /** Of those outside of the contract: the longest that two held together, or one was not told, in ms. */
  readonly longestOutsideMs: number;
  readonly staleWrites: number;
  readonly lostUpdates: number;
  readonly worstRecoveryMs?: number;
  readonly neverRecovered: boolean;
  readonly longestGapMs: number;
}

function countKinds(violations: readonly Violation[]): KindCounts {
  const kinds: Partial<Record<ViolationKind, number>> = {};
  for (const { kind } of violations) kinds[kind] = (kinds[kind] ?? 0) + 1;
  return kinds;
}

export function summarize(run: Run): Summary {
  const { within, outside } = judge(run);
  const { recoveries } = run;
  return {
    fault: run.fault.name,
    title: run.fault.title,
    library: run.library,
    times: run.times,
    calls: run.calls,
    granted: run.granted,
    within: within.length,
    outside: outside.length,
    kinds: countKinds(run.violations),
    withinKinds: countKinds(within),
    longestOutsideMs: Math.max(0, ...outside.map(({ ms }) => ms)),
    staleWrites: run.staleWrites,
    lostUpdates: run.lostUpdates,
    ...(recoveries.length > 0 && { worstRecoveryMs: Math.max(...recoveries.map(({ ms }) => ms)) }),
    longestGapMs: run.longestGapMs,
    neverRecovered: recoveries.some(({ isOver }) => !isOver),
  };
}
