import type { Violation } from '../checker/violation.js';
import type { Run } from '../run-fault.js';

/** Of a run, what the documentation rules out, and what it says that no lock can prevent. */
export interface Judgement {
  readonly within: readonly Violation[];
  readonly outside: readonly Violation[];
}

export function judge({ fault: { excuse }, violations }: Run): Judgement {
  const isExcused = ({ kind, ms }: Violation) =>
    !!excuse && excuse.kinds.includes(kind) && ms <= excuse.mostMs;
  return {
    within: violations.filter((violation) => !isExcused(violation)),
    outside: violations.filter(isExcused),
  };
}
