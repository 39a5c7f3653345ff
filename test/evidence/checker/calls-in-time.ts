import type { Call } from './call.js';
import type { ProcessLives } from './process-lives.js';
import type { Violation } from './violation.js';

export interface Limits {
  /** Within which an acquire has to be answered, and a release. */
  readonly acquireMs: number;
  readonly releaseMs: number;
}

/** Calls that were not answered in time, the time aside for which their process stood still. */
export function findHung(
  calls: readonly Call[],
  lives: ProcessLives,
  limits: Limits,
  overAt: number,
): Violation[] {
  const found: Violation[] = [];
  const check = (call: Call, what: string, from: number, to: number | undefined, limit: number) => {
    const killedAt = lives.killedAt(call.process);
    const end = to ?? killedAt ?? overAt;
    const ms = (end - from - lives.stoodStill(call.process, from, end)) / 1000;
    if (ms <= limit) return;
    const until =
      killedAt === undefined ? '' : `, ${ms.toFixed(0)} ms until its process was killed`;
    const outcome = to === undefined ? `was never answered${until}` : `took ${ms.toFixed(0)} ms`;
    const text = `${call.id}'s ${what} of "${call.name}" ${outcome}; its limit is ${limit} ms`;
    found.push({ kind: 'hung', name: call.name, text, from, to: end, ms });
  };
  for (const call of calls) {
    check(call, 'acquire', call.invokedAt, call.answeredAt, limits.acquireMs);
    if (call.releaseAt === undefined) continue;
    check(call, 'release', call.releaseAt, call.releasedAt, limits.releaseMs);
  }
  return found;
}
