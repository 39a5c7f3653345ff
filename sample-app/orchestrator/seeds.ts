import { Display } from './display.ts';
import type { DemoOptions } from './options.ts';
import { formatSeedHeader, formatSeedLine, formatSeedsVerdict } from './report.ts';
import { run, type RunResult } from './run.ts';
import { plural } from './text.ts';

/** A run for each seed, in brief: a line each, and what it comes to. */
export async function runSeeds(options: DemoOptions): Promise<RunResult[]> {
  const { seed: first = 1, seeds = 1, replicas, invoices } = options;
  const display = new Display(true);
  display.begin(
    `${plural(seeds, 'seed')}: ${plural(replicas, 'replica')}, ${plural(invoices, 'invoice')}`,
  );
  display.print(formatSeedHeader());

  const results: RunResult[] = [];
  for (let seed = first; seed < first + seeds; seed++) {
    const result = await run({ locked: true, seed, replicas, invoices }, display);
    results.push(result);
    display.print(formatSeedLine(result));
  }
  display.print(`\n${formatSeedsVerdict(results)}`);
  return results;
}
