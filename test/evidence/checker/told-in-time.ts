import { byName, grantOf, type Window } from './call.js';
import type { Violation } from './violation.js';

/** In one turn of the event loop, what looks may run before what tells. */
const SAME_TURN_US = 20_000;

/**
 * Holders that were told too late: somebody else had the name, and their process had run since – they had
 * looked at the lock themselves – before the signal came.
 */
export function findToldLate(windows: readonly Window[]): Violation[] {
  const found: Violation[] = [];
  for (const [name, same] of byName(windows.filter(({ kind }) => kind === 'lock'))) {
    for (const [index, holder] of same.entries()) {
      if (holder.toldAt === undefined) continue;
      const next = same.slice(index + 1).find(({ from }) => from > holder.from);
      if (!next || next.from > holder.toldAt) continue;
      const ran = holder.looks.find((look) => look >= next.from);
      if (ran === undefined || holder.toldAt - ran <= SAME_TURN_US) continue;
      const ms = (holder.toldAt - ran) / 1000;
      const text = `${holder.id} was told of the loss of "${name}" ${ms.toFixed(0)} ms after ${next.id} had it`;
      found.push({
        kind: 'told late',
        name,
        text,
        from: next.from,
        to: holder.toldAt,
        ms,
        first: grantOf(holder),
      });
    }
  }
  return found;
}
