import type { RunResult } from './run.ts';
import { formatTable, type Row } from './table.ts';
import { number, plural, seconds, times } from './text.ts';

const NONE = '–';

/** The table at the end: a column for each run. */
export function formatResults(results: readonly RunResult[]): string {
  const row = (title: string, cell: (result: RunResult) => string): Row => [
    title,
    ...results.map(cell),
  ];
  const names = results[0]!.replicas.map(({ name }) => name);

  return formatTable([
    row('', ({ locked }) => (locked ? 'with locks' : 'without locks')),
    'line',
    row('invoices', ({ invoices }) => number(invoices)),
    row('submissions', ({ submissions }) => number(submissions)),
    row('duplicates', ({ duplicates }) => number(duplicates.total)),
    row('  that a lock prevents', ({ duplicates }) => number(duplicates.preventable)),
    row('  late, after a stop', ({ locked, duplicates }) =>
      locked ? number(duplicates.fromStoppedHolder) : NONE,
    ),
    row('most at a time', ({ mostAtOnce }) => number(mostAtOnce)),
    row('locks lost', ({ locked, locksLost }) => (locked ? number(locksLost) : NONE)),
    row('time', ({ tookMs }) => seconds(tookMs)),
    'line',
    row('submissions by', () => ''),
    ...names.map((name, index) =>
      row(`  ${name}${fate(name, results[0]!)}`, ({ replicas }) =>
        number(replicas[index]!.submissions),
      ),
    ),
  ]);
}

/** What the table means, in words. */
export function formatVerdict(results: readonly RunResult[]): string {
  return results.map(verdict).join('\n\n');
}

/** With locks, a duplicate that they can prevent is a fault of the locks. */
export function failed(results: readonly RunResult[]): boolean {
  return results.some(({ locked, duplicates }) => locked && duplicates.preventable > 0);
}

function verdict(result: RunResult): string {
  const { locked, invoices, duplicates } = result;
  if (!locked) {
    return `Without locks the tax authority got ${plural(duplicates.total, 'submission')} too many.`;
  }
  if (duplicates.preventable > 0) {
    return `FAILED: with locks, ${plural(duplicates.preventable, 'duplicate')} came through that the locks should have prevented.`;
  }
  return [
    duplicates.total === 0
      ? `With locks each of the ${plural(invoices, 'invoice')} was submitted once, whatever happened to the replicas.`
      : `With locks the replicas never submitted the same invoice side by side.`,
    `What a lock alone cannot prevent: a replica that is stopped in the middle of its submission, after`,
    `its last look at the lock, and for longer than its lease, still submits when it wakes. That`,
    `happened ${times(duplicates.fromStoppedHolder)} in this run. The authority can refuse such a latecomer by its fencing token,`,
    `which is older than the one it has seen; this demo's authority does not do so yet.`,
  ].join('\n');
}

function fate(name: string, { pause, killed }: RunResult): string {
  if (name === killed) return ', killed';
  if (name === pause?.replica) return `, stopped ${seconds(pause.to - pause.from)}`;
  return '';
}
