import type { FaultEntry, HistoryEntry } from '../history/entry.js';
import type { Window } from './call.js';

/** How long it took until the name was taken again, in ms, for each time that this was to be seen. */
export function recoveriesOf(
  entries: readonly HistoryEntry[],
  windows: readonly Window[],
  overAt: number,
): { readonly ms: number; readonly isOver: boolean }[] {
  const marks = entries.filter((entry): entry is FaultEntry => entry.type === 'recover');
  return marks.flatMap(({ at, names = [] }) =>
    names.map((name) => {
      const next = windows.find((window) => window.name === name && window.from > at);
      return { ms: ((next?.from ?? overAt) - at) / 1000, isOver: next !== undefined };
    }),
  );
}

/** The longest time, in ms, between two who took a name that is wanted always. */
export function longestGap(windows: readonly Window[], name: string): number {
  const taken = windows.flatMap((window) => (window.name === name ? [window.from] : []));
  return Math.max(0, ...taken.slice(1).map((at, i) => (at - taken[i]!) / 1000));
}
