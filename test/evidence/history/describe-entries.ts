import { type HistoryEntry, isCall } from './entry.js';

/** Some entries as lines to read, with the time in ms since `origin`. */
export function describeEntries(entries: readonly HistoryEntry[], origin: number): string[] {
  return entries.map((entry) => {
    const { at, process, type, ...facts } = entry;
    const ms = ((at - origin) / 1000).toFixed(1).padStart(9);
    const who = isCall(entry) ? `${process}#${entry.call}` : process;
    const rest = Object.entries(facts)
      .filter(([key]) => key !== 'call')
      .map(([key, value]) => (key === 'what' ? String(value) : `${key}=${String(value)}`));
    return [`${ms} ms`, who.padEnd(8), type.padEnd(9), ...rest].join('  ').trimEnd();
  });
}

const MARGIN_US = 300_000;

/** All of the calls of a name that had to do with a span, looks aside, and what the injector did meanwhile. */
export function around(
  entries: readonly HistoryEntry[],
  { from, to, name }: { from: number; to: number; name?: string },
): HistoryEntry[] {
  const idOf = (entry: { process: string; call: number }) => `${entry.process}#${entry.call}`;
  const isNear = ({ at }: HistoryEntry) => at >= from - MARGIN_US && at <= to + MARGIN_US;
  const named = new Set<string>();
  const near = new Set<string>();
  for (const entry of entries) {
    if (!isCall(entry)) continue;
    if (entry.type === 'invoke' && (name ?? entry.name) === entry.name) named.add(idOf(entry));
    if (isNear(entry) && named.has(idOf(entry))) near.add(idOf(entry));
  }
  const calls = entries.filter((entry) => isCall(entry) && near.has(idOf(entry)));
  const [first, last] = [calls.at(0) ?? { at: from }, calls.at(-1) ?? { at: to }];
  return entries.filter((entry) => {
    if (isCall(entry)) return near.has(idOf(entry)) && entry.type !== 'sure';
    return entry.at >= Math.min(first.at, from) && entry.at <= Math.max(last.at, to);
  });
}
