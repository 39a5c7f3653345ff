import { cpus } from 'node:os';
import { execFileSync } from 'node:child_process';
import { LIMITS } from '../limits.js';
import { LIBRARIES, type LibraryName } from '../client/plan.js';
import type { Options } from '../options.js';
import type { Summary } from './summary.js';

const OURS = 'nestjs-locker';

const row = (cells: readonly unknown[]) => `| ${cells.join(' | ')} |`;

function table(head: readonly string[], rows: readonly (readonly unknown[])[]): string {
  const line = head.map((_, i) => (i > 0 ? '--:' : '---'));
  return [head, line, ...rows].map(row).join('\n');
}

const ms = (value: number) => `${Math.round(value)} ms`;
const seconds = (value: number) => `${(value / 1000).toFixed(value < 995 ? 2 : 1)} s`;

function recovery({ worstRecoveryMs, neverRecovered }: Summary): string {
  if (worstRecoveryMs === undefined) return '–';
  return neverRecovered ? `not in ${seconds(worstRecoveryMs)}` : seconds(worstRecoveryMs);
}

/** Kinds with their numbers, such as "2 × overlap". */
const kindsText = (kinds: Summary['withinKinds']) =>
  Object.entries(kinds).map(([kind, count]) => `${count} × ${kind}`);

function ourRow(summary: Summary): readonly unknown[] {
  const { times, calls, granted, within, outside, longestOutsideMs } = summary;
  return [
    summary.title,
    times,
    calls,
    granted,
    within === 0 ? 0 : `**${within}** (${kindsText(summary.withinKinds).join(', ')})`,
    outside === 0 ? 0 : `${outside}, up to ${ms(longestOutsideMs)}`,
    summary.staleWrites,
    summary.lostUpdates,
    recovery(summary),
    seconds(summary.longestGapMs),
  ];
}

type Cell = (summary: Summary) => string;

/** What any library can be held to. */
const safety: Cell = (summary) => {
  const { overlap = 0, capacity = 0, hung = 0 } = summary.kinds;
  const left = summary.kinds['key left'] ?? 0;
  return [overlap + capacity, summary.lostUpdates, hung, left].join(' · ');
};

const liveness: Cell = (summary) => [recovery(summary), seconds(summary.longestGapMs)].join(' · ');

function machine(): string {
  const server = execFileSync(process.env['REDIS_SERVER'] ?? 'redis-server', ['--version']);
  const version = /v=(\S+)/.exec(server.toString())?.[1] ?? 'of an unknown version';
  const count = cpus().length;
  return `Node ${process.version.slice(1)}, Redis ${version}, ${count} CPUs (${cpus()[0]?.model.trim()}), ${process.platform}`;
}

const OUR_HEAD = [
  'fault',
  'times',
  'calls',
  'granted',
  'violations of the contract',
  'outside of it',
  'stale writes, all refused',
  'lost updates without the guard',
  'taken again after',
  'longest without',
];

const inSeconds = (value: number) => `${value / 1_000} s`;
/** What is a limit of this library's contract alone. */
const LONG_CALLS = `calls that took longer than ${inSeconds(LIMITS.acquireMs)} (acquire) or ${inSeconds(LIMITS.releaseMs)} (release)`;

/** The tables, as they stand on the page. */
export function render(
  summaries: readonly Summary[],
  { seconds: length, seed }: Pick<Options, 'seconds' | 'seed'>,
): string {
  const ours = summaries.filter(({ library }) => library === OURS);
  const parts = [`${length} s for each fault and library, seed ${seed}. ${machine()}.`];
  if (ours.length > 0) parts.push(table(OUR_HEAD, ours.map(ourRow)));
  if (summaries.length > ours.length) {
    parts.push(
      `Beside others: held by two, or more permits than there are · lost updates without a guard · ${LONG_CALLS} · keys left:`,
      beside(summaries, safety),
      'Taken again after · longest without:',
      beside(summaries, liveness),
    );
  }
  return parts.join('\n\n');
}

/** A column for each library. */
function beside(summaries: readonly Summary[], cell: Cell): string {
  const libraries = LIBRARIES.filter((name) => summaries.some(({ library }) => library === name));
  const titles = [...new Set(summaries.map(({ title }) => title))];
  const cellOf = (title: string, library: LibraryName) => {
    const found = summaries.find((each) => each.title === title && each.library === library);
    return found ? cell(found) : '–';
  };
  const rows = titles.map((title) => [title, ...libraries.map((name) => cellOf(title, name))]);
  return table(['fault', ...libraries], rows);
}
