import { byName, grantOf, type Window } from './call.js';
import type { ProcessLives } from './process-lives.js';
import type { Violation } from './violation.js';

/** In one turn of the event loop, what looks may run before what tells. */
const SAME_TURN_US = 20_000;

/**
 * Holders that were told too late, or never: others had all there is of the name, and their process had run
 * since – they had looked at the lock themselves – before the signal came, or until they gave it back.
 */
export function findToldLate(
  windows: readonly Window[],
  lives: ProcessLives,
  permits: number,
): Violation[] {
  const found: Violation[] = [];
  for (const [name, same] of byName(windows)) {
    for (const holder of same) {
      const until = holder.toldAt ?? holder.releaseAt ?? holder.looks.at(-1) ?? holder.to;
      const next = findSuccessor(holder, same, until, holder.kind === 'lock' ? 1 : permits);
      if (!next) continue;
      const ran = holder.looks.find((look) => look >= next.from);
      if (ran === undefined) continue;
      const late = until - ran - lives.stoodStill(holder.process, ran, until);
      if (late <= SAME_TURN_US) continue;
      const ms = late / 1000;
      const what =
        holder.toldAt === undefined
          ? `was never told of the loss of "${name}", and went on for ${ms.toFixed(0)} ms`
          : `was told of the loss of "${name}" ${ms.toFixed(0)} ms`;
      const text = `${holder.id} ${what} after ${next.id} had it`;
      const first = grantOf(holder);
      found.push({ kind: 'told late', name, text, from: next.from, to: until, ms, first });
    }
  }
  return found;
}

/** Whoever was the first with whom others had all of it, as certain as one can be. */
function findSuccessor(
  holder: Window,
  same: readonly Window[],
  until: number,
  permits: number,
): Window | undefined {
  // What was over before its holder could look was not had by anybody.
  const others = same.filter((each) => each !== holder && each.to > each.from);
  return others.find((next) => {
    if (next.from <= holder.from || next.from >= until) return false;
    const certain = others.filter(({ from, to }) => from <= next.from && next.from < to);
    // While the holder itself is certain it is those who came later who have what was its own.
    const took = holder.to > next.from ? certain.filter(({ from }) => from > holder.from) : certain;
    return took.length >= permits;
  });
}
