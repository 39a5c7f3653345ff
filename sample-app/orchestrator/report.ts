import type { RunResult } from './run.ts';
import { formatTable, type Row } from './table.ts';
import { number, plural, seconds } from './text.ts';

/** What the authority wants: no more at a time. */
const MOST_AT_ONCE = 4;
const MOST_DUPLICATES_SHOWN = 5;
const NONE = '–';

/** The table at the end: a column for each run. */
export function formatResults(results: readonly RunResult[]): string {
  const row = (title: string, cell: (result: RunResult) => number | string): Row => [
    title,
    ...results.map((result) => {
      const value = cell(result);
      return typeof value === 'number' ? number(value) : value;
    }),
  ];
  const lockedRow = (title: string, cell: (result: RunResult) => number): Row =>
    row(title, (result) => (result.locked ? cell(result) : NONE));

  return formatTable([
    row('', ({ locked }) => (locked ? 'with locks' : 'without locks')),
    'line',
    row('invoices', ({ invoices }) => invoices),
    row('submissions', ({ submissions }) => submissions),
    row('duplicates', ({ submissions, arrived }) => submissions - arrived),
    'line',
    row('faults', ({ faults }) => faults.kills + faults.stops),
    row('  killed', ({ faults }) => faults.kills),
    row('  stopped', ({ faults }) => faults.stops),
    row('  in mid-submission', ({ faults }) => faults.midSubmission),
    lockedRow('unknown outcomes', ({ resolutions }) => resolutions.length),
    lockedRow('  had arrived', (result) => arrivedOf(result)),
    lockedRow('  had not', (result) => result.resolutions.length - arrivedOf(result)),
    lockedRow('finished late', ({ late }) => late),
    row('sent on waking', ({ sentOnWaking }) => sentOnWaking),
    row('most at a time', ({ mostAtOnce }) => mostAtOnce),
    row('time', ({ tookMs }) => seconds(tookMs)),
  ]);
}

/** What the table means, in words. */
export function formatVerdict(results: readonly RunResult[]): string {
  return results.map(verdict).join('\n\n');
}

const SEED_COLUMNS = [
  ['seed', 6],
  ['invoices', 8],
  ['submissions', 11],
  ['duplicates', 10],
  ['killed', 6],
  ['stopped', 7],
  ['mid-subm.', 9],
  ['unknown', 7],
  ['arrived', 7],
  ['not', 4],
  ['late', 4],
  ['on waking', 9],
  ['at a time', 9],
  ['time', 7],
] as const;

export function formatSeedHeader(): string {
  return inColumns(SEED_COLUMNS.map(([title]) => title));
}

/** One line for one run. */
export function formatSeedLine(result: RunResult): string {
  const { seed, invoices, submissions, arrived, faults, resolutions } = result;
  const hadArrived = arrivedOf(result);
  return inColumns([
    String(seed),
    ...[
      invoices,
      submissions,
      submissions - arrived,
      faults.kills,
      faults.stops,
      faults.midSubmission,
      resolutions.length,
      hadArrived,
      resolutions.length - hadArrived,
      result.late,
      result.sentOnWaking,
      result.mostAtOnce,
    ].map(number),
    seconds(result.tookMs),
  ]);
}

/** Over all seeds. */
export function formatSeedsVerdict(results: readonly RunResult[]): string {
  const sum = (of: (result: RunResult) => number): string =>
    number(results.reduce((total, result) => total + of(result), 0));
  const bad = results.filter((result) => problemsOf(result).length > 0);
  if (bad.length > 0) {
    return `FAILED: ${bad.length} of ${plural(results.length, 'seed')}.\n\n${formatVerdict(bad)}`;
  }
  return [
    `${plural(results.length, 'seed')}: ${sum(({ faults }) => faults.kills)} replicas killed, ${sum(({ faults }) => faults.stops)} stopped;`,
    `${sum(({ resolutions }) => resolutions.length)} unknown outcomes, of which ${sum(arrivedOf)} had arrived;`,
    `each of the ${sum(({ invoices }) => invoices)} invoices was submitted exactly once.`,
  ].join('\n');
}

/** Without locks, duplicates are what the run is there to show. */
export function failed(results: readonly RunResult[]): boolean {
  return results.some((result) => result.locked && problemsOf(result).length > 0);
}

function verdict(result: RunResult): string {
  const { locked, seed, invoices, submissions, arrived, resolutions } = result;
  const tooMany = submissions - arrived;
  if (!locked)
    return `Without locks the tax authority got ${plural(tooMany, 'submission')} too many.`;

  const problems = problemsOf(result);
  if (problems.length > 0) {
    return `FAILED, with locks and seed ${seed}:\n${problems.map((each) => `- ${each}`).join('\n')}`;
  }
  const each = invoices === 1 ? 'the invoice' : `each of the ${number(invoices)} invoices`;
  const summary = `With locks ${each} was submitted exactly once, whatever happened to the replicas.`;
  if (resolutions.length === 0) return summary;
  return [
    summary,
    `Of ${number(resolutions.length)} nobody knew at the end whether they were submitted, and nobody had tried them again:`,
    `${number(arrivedOf(result))} had arrived and were marked as issued, ${number(resolutions.length - arrivedOf(result))} had not and were issued then.`,
  ].join('\n');
}

/** What must not be, with locks. */
function problemsOf(result: RunResult): string[] {
  const { invoices, arrived, duplicates, mostAtOnce } = result;
  const problems = duplicates.slice(0, MOST_DUPLICATES_SHOWN).map((submissions) => {
    const all = submissions.map(
      ({ submittedBy, fencingToken, receivedAt }) =>
        `by ${submittedBy} at ${new Date(receivedAt).toISOString()} (token ${fencingToken})`,
    );
    return `${submissions[0].invoice} was submitted ${all.length} times: ${all.join(', ')}`;
  });
  const more = duplicates.length - problems.length;
  if (more > 0) problems.push(`so were ${number(more)} more`);
  if (arrived < invoices) problems.push(`${plural(invoices - arrived, 'invoice')} never arrived`);
  if (mostAtOnce > MOST_AT_ONCE) {
    problems.push(`${mostAtOnce} were submitted at a time, more than ${MOST_AT_ONCE}`);
  }
  return problems;
}

function arrivedOf({ resolutions }: RunResult): number {
  return resolutions.filter(({ hasArrived }) => hasArrived).length;
}

function inColumns(cells: readonly string[]): string {
  return cells.map((cell, index) => cell.padStart(SEED_COLUMNS[index]![1])).join('  ');
}
