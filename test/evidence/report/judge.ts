import type { Violation } from '../checker/violation.js';
import type { Excuse } from '../faults/fault.js';
import { type FaultSpan, faultSpansOf } from '../history/fault-spans.js';
import type { Run } from '../run-fault.js';

/** Of a run, what the documentation rules out, and what it says that no lock can prevent. */
export interface Judgement {
  readonly within: readonly Violation[];
  readonly outside: readonly Violation[];
}

/** What a busy process needs to hear of a grant that the server gave before it forgot. */
const ON_ITS_WAY_US = 250_000;

export function judge({ fault: { excuse }, violations, entries }: Run): Judgement {
  const spans = faultSpansOf(entries);
  const isExcused = (violation: Violation) =>
    !!excuse && spans.some((span) => isDueTo(span, violation, excuse));
  return {
    within: violations.filter((violation) => !isExcused(violation)),
    outside: violations.filter(isExcused),
  };
}

/** Whether a run shows that the contract was violated, or that a name was never given again. */
export const hasFailed = (run: Run): boolean =>
  judge(run).within.length > 0 || run.recoveries.some(({ isOver }) => !isOver);

/** A lock that was there before this fault was over, somebody beside its holder, and the holder learned it in time. */
function isDueTo(span: FaultSpan, { kind, first, from, to, ms }: Violation, excuse: Excuse) {
  if (!first || !excuse.kinds.includes(kind) || ms > excuse.mostMs) return false;
  const wasThere = first.askedAt <= span.to && first.at <= span.to + ON_ITS_WAY_US;
  return wasThere && from >= span.from && to <= span.to + excuse.mostMs * 1_000;
}
