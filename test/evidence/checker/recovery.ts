import type { FaultEntry, HistoryEntry } from '../history/entry.js';
import type { Call, Window } from './call.js';

export interface Recovery {
  readonly name: string;
  readonly ms: number;
  /** Not, if nobody took it until the end. */
  readonly isOver: boolean;
}

/** How long it took until the name was taken again, in ms, for each time that this was to be seen. */
export function recoveriesOf(
  entries: readonly HistoryEntry[],
  windows: readonly Window[],
  overAt: number,
): Recovery[] {
  const marks = entries.filter((entry): entry is FaultEntry => entry.type === 'recover');
  return marks.flatMap(({ at, names = [] }) =>
    names.map((name) => {
      const next = windows.find((window) => window.name === name && window.from > at);
      return { name, ms: ((next?.from ?? overAt) - at) / 1000, isOver: next !== undefined };
    }),
  );
}

/** The longest time, in ms, in which nobody took a name that is wanted from the first question to the end. */
export function longestGap(calls: readonly Call[], name: string, endsAt: number): number {
  const wanted = calls.filter((call) => call.name === name && call.invokedAt < endsAt);
  if (wanted.length === 0) return 0;
  const taken = wanted.flatMap(({ answer, answeredAt }) => (answer === 'ok' ? [answeredAt!] : []));
  const marks = [wanted[0]!.invokedAt, ...taken.filter((at) => at < endsAt), endsAt];
  marks.sort((a, b) => a - b);
  return Math.max(...marks.slice(1).map((at, i) => at - marks[i]!)) / 1000;
}
