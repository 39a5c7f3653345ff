// What the visits of all workers tell together; see callers.mjs.
import { largest, smallest, sum } from './statistics.mjs';

/** The visits of all workers, each caller with a name of its own; as if all had reported at the window's end. */
export const gatherVisits = (reports, { to }) =>
  reports.flatMap(({ visits }, worker) =>
    visits
      .filter(({ asked }) => asked < to)
      .map(({ start, ...visit }) => ({
        ...visit,
        caller: `${worker}.${visit.caller}`,
        start: start < to ? start : undefined,
      })),
  );

export const begunWithin = (visits, { from, to }) =>
  visits.filter(({ start }) => start >= from && start < to);

/** Waits of those who got in within the window, and so far of those who never did. */
export function waitsOf(visits, window) {
  const pending = visits.filter(({ start }) => start === undefined);
  return {
    ended: begunWithin(visits, window).map(({ asked, start }) => start - asked),
    pending: pending.map(({ asked }) => window.to - asked),
  };
}

/** How often somebody was let in while somebody else was still inside: never, if the lock is one. */
export function countOverlaps(visits) {
  const lastEnds = new Map();
  let overlaps = 0;
  const entered = visits.filter(({ start }) => start !== undefined);
  for (const { name, start, end = Infinity } of entered.toSorted((a, b) => a.start - b.start)) {
    const lastEnd = lastEnds.get(name) ?? -Infinity;
    if (start < lastEnd) overlaps++;
    lastEnds.set(name, Math.max(lastEnd, end));
  }
  return overlaps;
}

/** How many times more often the luckiest caller got in than the unluckiest. */
export function mostOverLeast(visits, window) {
  const counts = new Map(visits.map(({ caller }) => [caller, 0]));
  for (const { caller } of begunWithin(visits, window)) counts.set(caller, counts.get(caller) + 1);
  const all = [...counts.values()];
  return largest(all) / smallest(all);
}

/** Endless where nobody got in, whatever was sent. */
export const commandsEach = (reports, acquisitions) =>
  acquisitions === 0 ? Infinity : sum(reports.map(({ commands }) => commands)) / acquisitions;

export const perSecond = (count, { from, to }) => (count * 1000) / (to - from);
