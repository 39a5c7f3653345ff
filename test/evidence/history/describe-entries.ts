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

/** What happened to a name from a while before a moment until a while after it, looks aside. */
export function around(
  entries: readonly HistoryEntry[],
  { from, to, name }: { from: number; to: number; name?: string },
): HistoryEntry[] {
  const calls = new Set<string>();
  const keyOf = (entry: { process: string; call: number }) => `${entry.process}#${entry.call}`;
  for (const entry of entries) {
    if (entry.type === 'invoke' && entry.name === name) calls.add(keyOf(entry));
  }
  const margin = 300_000;
  return entries.filter((entry) => {
    if (entry.at < from - margin || entry.at > to + margin || entry.type === 'sure') return false;
    return !isCall(entry) || name === undefined || calls.has(keyOf(entry));
  });
}
