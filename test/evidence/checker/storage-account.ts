import type { Violation } from './violation.js';

/** What the storage has in the end of one name. */
export interface CounterRecord {
  readonly name: string;
  /** Where the counter stands, and how many writes raised it by one from what they had read. */
  readonly guarded: { readonly value: number; readonly writes: number };
  readonly unguarded: { readonly value: number; readonly writes: number };
  /** The tokens of the guarded writes, in the order in which they were committed. */
  readonly tokens: readonly number[];
}

export const lostUnguarded = (counters: readonly CounterRecord[]): number =>
  counters.reduce((sum, { unguarded }) => sum + unguarded.writes - unguarded.value, 0);

/** Behind the guard no update is lost, and no token comes after a newer one. */
export function findGuardFailures(counters: readonly CounterRecord[], overAt: number): Violation[] {
  const found: Violation[] = [];
  for (const { name, guarded, tokens } of counters) {
    const tell = (text: string) =>
      found.push({ kind: 'guard', name, text, from: overAt, to: overAt, ms: 0 });
    const lost = guarded.writes - guarded.value;
    if (lost !== 0) tell(`${lost} of ${guarded.writes} guarded writes to "${name}" were lost`);
    tokens.forEach((token, i) => {
      const before = tokens[i - 1];
      if (before !== undefined && token < before) {
        tell(`the guard of "${name}" let token ${token} in after ${before}`);
      }
    });
  }
  return found;
}
