import { startAuthority } from './authority.ts';
import { Display } from './display.ts';
import type { DemoOptions, Mode } from './options.ts';
import { formatSeedHeader, formatSeedLine, formatSeedsVerdict } from './report.ts';
import { run, type RunResult } from './run.ts';
import { plural } from './text.ts';

/** A run for each seed, in brief: a line each, and what it comes to. */
export async function runSeeds(options: DemoOptions): Promise<RunResult[]> {
  const { modes, seed: first = 1, seeds = 1, replicas, invoices } = options;
  const [mode] = modes as [Mode];
  const display = new Display(true);
  display.begin(
    `${plural(seeds, 'seed')} ${mode}: ${plural(replicas, 'replica')}, ${plural(invoices, 'invoice')}`,
  );
  display.print(formatSeedHeader());

  const authority = await startAuthority(display);
  const results: RunResult[] = [];
  for (let seed = first; seed < first + seeds; seed++) {
    const result = await run({ mode, seed, replicas, invoices }, authority, display);
    results.push(result);
    display.print(formatSeedLine(result));
  }
  await authority.end();
  display.print(`\n${formatSeedsVerdict(results)}`);
  return results;
}
