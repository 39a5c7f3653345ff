import { around, describeEntries } from '../history/describe-entries.js';
import type { Run } from '../run-fault.js';
import { judge } from './judge.js';

const MOST = 3;

/** What must not have been, each with the history around it. */
export function explain(run: Run): string {
  const { within } = judge(run);
  const origin = run.entries[0]?.at ?? 0;
  const head = `${run.fault.name} with ${run.library}, seed ${run.seed}: ${within.length} violation(s)`;
  const all = within.map(({ kind, text }) => `  ${kind}: ${text}`);
  const details = within.slice(0, MOST).flatMap(({ kind, text, from, to, name }) => {
    const lines = describeEntries(
      around(run.entries, { from, to, ...(name !== undefined && { name }) }),
      origin,
    );
    // The beginning and the end of what takes long.
    const shown = lines.length > 80 ? [...lines.slice(0, 50), '    …', ...lines.slice(-29)] : lines;
    return [`${kind}: ${text}`, ...shown.map((line) => `  ${line}`)];
  });
  const lasting = run.recoveries.filter(({ isOver }) => !isOver);
  const missed = lasting.map(
    ({ name, ms }) => `  never taken again: "${name}", in the ${ms.toFixed(0)} ms that were left`,
  );
  return [head, ...all.slice(0, 20), ...missed, ...details].join('\n');
}
