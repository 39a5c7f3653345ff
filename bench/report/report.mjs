import { format, resolveConfig } from 'prettier';
import { OURS } from '../contestants/index.mjs';
import { formatNumber } from './format-number.mjs';
import { remarksOf } from './remarks.mjs';
import { Standing } from './standing.mjs';

const row = (cells) => `| ${cells.join(' | ')} |`;
const table = (head, rows) =>
  [row(head), row(head.map((_, i) => (i ? '--:' : '---'))), ...rows.map(row)].join('\n');

function cellText(column, standing, name) {
  if (!standing.has(name)) return formatNumber(undefined);
  const value = column.ratio
    ? standing.ratio(column.ratio, column.to, name)
    : column.value(standing.of(name));
  return formatNumber(value, column.digits);
}

function targetText({ text, measure, atLeast, atMost }, standing) {
  const value = standing.has(OURS) ? measure(standing) : NaN;
  const goal = atLeast === undefined ? `≤ ${atMost}` : `≥ ${atLeast}`;
  const isMet = atLeast === undefined ? value <= atMost : value >= atLeast;
  const verdict = Number.isNaN(value ?? NaN) ? 'not measured' : isMet ? 'met' : '**falls short**';
  return `- ${text}: ${formatNumber(value, 2)}, target ${goal}: ${verdict}`;
}

function renderWorkload({ workload, runs }) {
  const standing = new Standing(runs);
  const rows = Object.keys(runs).map((name) => [
    name === OURS ? `**${name}**` : name,
    ...workload.columns.map((column) => cellText(column, standing, name)),
    remarksOf(runs[name]),
  ]);
  const head = ['', ...workload.columns.map((column) => column.head), 'remarks'];
  return [
    `## ${workload.name}`,
    `${workload.title[0].toUpperCase()}${workload.title.slice(1)}.`,
    table(head, rows),
    ...(runs[OURS] ? [workload.targets.map((each) => targetText(each, standing)).join('\n')] : []),
  ].join('\n\n');
}

const renderSettings = ({ repetitions, settings: { warmUpMs, windowMs, ttlMs, retryMs } }) =>
  `${repetitions} repetition(s) of ${windowMs} ms after ${warmUpMs} ms, where a workload has no times of its own; medians of the repetitions, percentiles and the longest over all of them. The ttl is ${ttlMs} ms. Those who poll wait ${retryMs} ms between attempts, ± half of it where they have a jitter. “Commands” are those that clients send, whatever scripts do inside.`;

/** As the repository's own files are formatted, which its check would else ask for. */
async function tidy(text, parser) {
  const config = await resolveConfig(new URL('../../.prettierrc.json', import.meta.url));
  return format(text, { ...config, parser });
}

/** The whole report, to read and to go on with. */
export async function renderReport(report) {
  return {
    markdown: await tidy(renderMarkdown(report), 'markdown'),
    json: await tidy(JSON.stringify(report), 'json'),
  };
}

function renderMarkdown({ machine, options, contestants, results }) {
  const facts = Object.entries(machine).map(([fact, value]) => `- ${fact}: ${value}`);
  const legend = contestants.map(({ name, version, note, overNodes }) => [
    name,
    version,
    note,
    overNodes?.note ?? '–',
  ]);
  return [
    '# Bench',
    facts.join('\n'),
    renderSettings(options),
    table(['contestant', 'version', 'set up', 'over several nodes'], legend).replace(
      '--: | --: | --:',
      '--- | --- | ---',
    ),
    ...results.map(renderWorkload),
  ].join('\n\n');
}
