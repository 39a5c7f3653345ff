import type { Resolution } from '../clerk/clerk.service.ts';

/** What was unknown, the earliest first: a line for what was begun together and has the same answer. */
export function formatResolutions(resolutions: readonly Resolution[]): string[] {
  const groups = new Map<string, Resolution[]>();
  const sorted = resolutions.toSorted(
    (a, b) => a.since.getTime() - b.since.getTime() || a.invoice.localeCompare(b.invoice),
  );
  for (const resolution of sorted) {
    const { begunBy, fencingToken, hasArrived } = resolution;
    const key = [begunBy, fencingToken, hasArrived].join();
    groups.set(key, [...(groups.get(key) ?? []), resolution]);
  }
  return [...groups.values()].map((group) => {
    const { begunBy, hasArrived } = group[0]!;
    const found = hasArrived ? 'had arrived, so done' : 'had not arrived, so open again';
    return `of ${begunBy} ${found}: ${shorten(group.map(({ invoice }) => invoice))}`;
  });
}

/** The first number in full, and the last digits of the others. */
function shorten([first, ...others]: readonly string[]): string {
  return [first, ...others.map((number) => number.slice(-3))].join(' ');
}
