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
    row(title, (result) => (result.mode === 'without locks' ? NONE : cell(result)));

  return formatTable([
    row('', ({ mode }) => mode),
    'line',
    row('invoices', ({ invoices }) => invoices),
    row('submissions', ({ submissions }) => submissions),
    row('duplicates', tooManyOf),
    lockedRow('stale submissions tried', ({ stale }) => stale.refused + stale.accepted),
    lockedRow('  refused', ({ stale }) => stale.refused),
    lockedRow('  accepted', ({ stale }) => stale.accepted),
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
  ['stale', 5],
  ['refused', 7],
  ['accepted', 8],
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
  const { seed, invoices, submissions, stale, faults, resolutions } = result;
  const hadArrived = arrivedOf(result);
  return inColumns([
    String(seed),
    ...[
      invoices,
      submissions,
      tooManyOf(result),
      stale.refused + stale.accepted,
      stale.refused,
      stale.accepted,
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

/** Over all seeds, which have one mode. */
export function formatSeedsVerdict(results: readonly RunResult[]): string {
  const total = (of: (result: RunResult) => number): number =>
    results.reduce((sum, result) => sum + of(result), 0);
  const sum = (of: (result: RunResult) => number): string => number(total(of));
  const seeds = plural(results.length, 'seed');
  const bad = results.filter(hasFailed);
  if (bad.length > 0) {
    return `FAILED: ${bad.length} of ${seeds}.\n\n${formatVerdict(bad)}`;
  }
  const faults = `${seeds}: ${sum(({ faults: { kills } }) => kills)} replicas killed, ${sum(({ faults: { stops } }) => stops)} stopped;`;
  const accepted = plural(
    total(({ stale }) => stale.accepted),
    'stale submission',
  );
  if (results[0]?.mode !== 'with fencing') {
    return [
      faults,
      `without fencing ${accepted} went in;`,
      `the tax authority got ${plural(total(tooManyOf), 'submission')} too many.`,
    ].join('\n');
  }
  const refused = total(({ stale }) => stale.refused);
  return [
    faults,
    `${sum(({ resolutions }) => resolutions.length)} unknown outcomes, of which ${sum(arrivedOf)} had arrived;`,
    ...(refused > 0 ? [`${plural(refused, 'stale submission')} tried, and all refused;`] : []),
    `each of the ${sum(({ invoices }) => invoices)} invoices was submitted exactly once.`,
    ...(refused > 0 ? [] : [nothingStaleIn('these runs')]),
  ].join('\n');
}

/** Where fencing or locks are missing, duplicates are what the run is there to show. */
export function failed(results: readonly RunResult[]): boolean {
  return results.some(hasFailed);
}

function hasFailed(result: RunResult): boolean {
  return result.mode === 'with fencing' && problemsOf(result).length > 0;
}

function verdict(result: RunResult): string {
  const { mode, seed, invoices, stale, resolutions } = result;
  const tooMany = plural(tooManyOf(result), 'submission');
  if (mode === 'without locks') return `Without locks the tax authority got ${tooMany} too many.`;
  if (mode === 'without fencing') {
    return [
      `Without fencing ${plural(stale.accepted, 'stale submission')} went in, from replicas that were stopped in the middle`,
      `and went on when they woke: the tax authority got ${tooMany} too many.`,
    ].join('\n');
  }

  const problems = problemsOf(result);
  if (problems.length > 0) {
    return `FAILED, with fencing and seed ${seed}:\n${problems.map((each) => `- ${each}`).join('\n')}`;
  }
  const each = invoices === 1 ? 'the invoice' : `each of the ${number(invoices)} invoices`;
  const lines = [
    `With locks and fencing ${each} was submitted exactly once, whatever happened to the replicas.`,
  ];
  lines.push(
    stale.refused > 0
      ? `${plural(stale.refused, 'stale submission')} came from replicas that woke too late; none went in.`
      : nothingStaleIn('this run'),
  );
  if (resolutions.length > 0) {
    lines.push(
      `Of ${number(resolutions.length)} nobody knew whether they were submitted; the authority was asked at once:`,
      `${number(arrivedOf(result))} had arrived and were marked as issued, ${number(resolutions.length - arrivedOf(result))} had not and were open again.`,
    );
  }
  return lines.join('\n');
}

/** Without this, a run in which the guard had nothing to do would look as if it had stood the test. */
function nothingStaleIn(runs: string): string {
  return `No stale submission was tried in ${runs}: the guard had nothing to refuse, and has shown nothing.`;
}

/** What must not be, with fencing. */
function problemsOf(result: RunResult): string[] {
  const { invoices, arrived, duplicates, stale, mostAtOnce } = result;
  const problems = duplicates.slice(0, MOST_DUPLICATES_SHOWN).map((submissions) => {
    const all = submissions.map(
      ({ submittedBy, fencingToken, at }) => `by ${submittedBy} at ${at} (token ${fencingToken})`,
    );
    return `${submissions[0].invoice} was submitted ${all.length} times: ${all.join(', ')}`;
  });
  const more = duplicates.length - problems.length;
  if (more > 0) problems.push(`so were ${number(more)} more`);
  if (stale.accepted > 0) {
    problems.push(`${plural(stale.accepted, 'stale submission')} went in`);
  }
  if (arrived < invoices) problems.push(`${plural(invoices - arrived, 'invoice')} never arrived`);
  if (mostAtOnce > MOST_AT_ONCE) {
    problems.push(`${mostAtOnce} were submitted at a time, more than ${MOST_AT_ONCE}`);
  }
  return problems;
}

function tooManyOf({ submissions, arrived }: RunResult): number {
  return submissions - arrived;
}

function arrivedOf({ resolutions }: RunResult): number {
  return resolutions.filter(({ hasArrived }) => hasArrived).length;
}

function inColumns(cells: readonly string[]): string {
  return cells.map((cell, index) => cell.padStart(SEED_COLUMNS[index]![1])).join('  ');
}
