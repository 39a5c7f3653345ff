import type { Flatness } from './flatness.js';
import type { Sample } from './sampler.js';

export interface LoadResult {
  readonly held: number;
  readonly rate: number;
  readonly seconds: number;
  readonly samples: readonly Sample[];
  readonly flatness: Readonly<Record<'heap' | 'rss' | 'server', Flatness>>;
  readonly lost: number;
  readonly stillHeld: number;
  /** Leases that were still there after the application had closed. */
  readonly left: number;
  /** Calls that failed, by what they failed with. */
  readonly failures: ReadonlyMap<string, number>;
}

const mib = (bytes: number) => (bytes / 2 ** 20).toFixed(1);
const count = (value: number) => value.toLocaleString('en-US', { maximumFractionDigits: 0 });
const row = (cells: readonly unknown[]) => `| ${cells.join(' | ')} |`;

const HEAD = [
  'after',
  'heap (MiB)',
  'process (MiB)',
  'server (MiB)',
  'keys',
  'acquisitions/s',
  'slowest (ms)',
];

export function renderLoad(result: LoadResult): string {
  const { held, rate, seconds, samples, flatness, lost, stillHeld, left, failures } = result;
  const failed = [...failures].map(([name, times]) => `${times} × ${name}`).join(', ') || 'none';
  // Ten of them say what all do.
  const step = Math.max(1, Math.floor(samples.length / 10));
  const shown = samples.filter((_, i) => (i + 1) % step === 0);
  const rows = shown.map((sample) => [
    `${Math.round(sample.seconds)} s`,
    mib(sample.heap),
    mib(sample.rss),
    mib(sample.server),
    count(sample.keys),
    count(sample.acquisitionsPerSecond),
    count(sample.slowestMs),
  ]);
  const verdicts = Object.entries(flatness).map(
    ([what, { before, after, isFlat }]) =>
      `${what} ${mib(before)} → ${mib(after)} MiB${isFlat ? '' : ' (**grows**)'}`,
  );
  return [
    `${count(held)} locks held and ${count(rate)} others taken and given back each second, for ${seconds} s, by one process, Node ${process.version.slice(1)}. Lost: ${lost}; still held at the end: ${count(stillHeld)}; calls that failed: ${failed}; leases left after the application had closed: ${left}.`,
    [HEAD, HEAD.map(() => '--:'), ...rows].map(row).join('\n'),
    `Medians of the first and the last third after the warm-up: ${verdicts.join('; ')}.`,
  ].join('\n\n');
}
