import type { HistoryEntry } from '../history/entry.js';
import type { Violation } from './violation.js';

/** Processes that did not end when they were told to, and rejections that nobody handled. */
export function findUnruly(entries: readonly HistoryEntry[], endsAt: number): Violation[] {
  return entries.flatMap(({ type, at, process, ...rest }): Violation[] => {
    const what = 'what' in rest ? rest.what : '';
    if (type === 'hung') {
      const ms = (at - endsAt) / 1_000;
      const text = `${what} hung at its close: it had not ended after ${ms.toFixed(0)} ms`;
      return [{ kind: 'hung', text, from: endsAt, to: at, ms }];
    }
    if (type !== 'unhandled') return [];
    const text = `${process} left a rejection to nobody: ${what}`;
    return [{ kind: 'unhandled rejection', text, from: at, to: at, ms: 0 }];
  });
}
