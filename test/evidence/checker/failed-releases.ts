import type { FaultSpan } from '../history/fault-spans.js';
import type { Call } from './call.js';
import type { Violation } from './violation.js';

/** Releases that failed though no fault was there, nor a connection to be made again after one. */
export function findFailedReleases(
  calls: readonly Call[],
  faults: readonly FaultSpan[],
  reconnectMs: number,
): Violation[] {
  return calls.flatMap(({ id, name, releaseAt, releasedAt, released }) => {
    if (releaseAt === undefined || releasedAt === undefined || !released?.startsWith('failed')) {
      return [];
    }
    const [from, to] = [releaseAt, releasedAt];
    if (faults.some((fault) => from <= fault.to + reconnectMs * 1_000 && to >= fault.from)) {
      return [];
    }
    const text = `${id}'s release of "${name}" ${released}`;
    return [{ kind: 'failed release', name, text, from, to, ms: (to - from) / 1_000 } as const];
  });
}
