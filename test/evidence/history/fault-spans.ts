import type { HistoryEntry } from './entry.js';

/** From the beginning of a fault to its end, in microseconds. */
export interface FaultSpan {
  readonly from: number;
  readonly to: number;
}

/** What the injector did, one after the other. */
export function faultSpansOf(entries: readonly HistoryEntry[]): FaultSpan[] {
  const spans: FaultSpan[] = [];
  let from: number | undefined;
  for (const { type, at } of entries) {
    if (type === 'begin') from = at;
    if (type !== 'end' || from === undefined) continue;
    spans.push({ from, to: at });
    from = undefined;
  }
  return spans;
}
