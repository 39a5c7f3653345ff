import 'reflect-metadata';
import { randomInt } from 'node:crypto';
import { startAuthority } from './orchestrator/authority.ts';
import { Display } from './orchestrator/display.ts';
import { parseOptions, USAGE, UsageError, type DemoOptions } from './orchestrator/options.ts';
import { Page } from './orchestrator/page.ts';
import { failed, formatResults, formatVerdict } from './orchestrator/report.ts';
import { run } from './orchestrator/run.ts';
import { runSeeds } from './orchestrator/seeds.ts';
import { plural } from './orchestrator/text.ts';

const CANNOT_RUN = 2;

/** Ctrl-C and the like: leaving is enough, the children are killed on the way out. */
for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const) {
  process.once(signal, () => process.exit(code));
}

process.exit(await main());

async function main(): Promise<number> {
  try {
    const options = parseOptions(process.argv.slice(2));
    if (options.help) {
      console.log(USAGE);
      return 0;
    }
    const needsRedis = options.modes.some((mode) => mode !== 'without locks');
    if (needsRedis && !process.env['REDIS_URL']) {
      throw new UsageError('REDIS_URL is not set; `npm start` brings a Redis of its own.');
    }
    const results = await (options.seeds === undefined ? demonstrate(options) : runSeeds(options));
    return failed(results) ? 1 : 0;
  } catch (error) {
    console.error(
      error instanceof UsageError
        ? `${error.message}\n\n${USAGE}`
        : `\n${(error as Error).message}`,
    );
    return CANNOT_RUN;
  }
}

async function demonstrate(options: DemoOptions) {
  const { modes, replicas, invoices, stay, seed = randomInt(1, 1_000_000) } = options;
  const display = new Display();
  const page = new Page(
    display,
    stay ? modes.findLast((mode) => mode !== 'without locks') : undefined,
  );
  display.print('The tax authority starts, with a Postgres of its own.');
  const authority = await startAuthority(display);
  const results = [];
  for (const mode of modes) {
    display.begin(
      [
        replicas === 1 ? '1 replica issues' : `${replicas} replicas issue`,
        `${plural(invoices, 'invoice')},`,
        `${mode} (seed ${seed})`,
      ].join(' '),
    );
    results.push(await run({ mode, seed, replicas, invoices }, authority, display, page));
  }
  await authority.end();
  display.print(`\n${formatResults(results)}\n\n${formatVerdict(results)}`);
  await page.untilLeft();
  return results;
}
