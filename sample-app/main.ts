import { Display } from './orchestrator/display.ts';
import { parseOptions, USAGE, UsageError, type DemoOptions } from './orchestrator/options.ts';
import { failed, formatResults, formatVerdict } from './orchestrator/report.ts';
import { run } from './orchestrator/run.ts';
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
    return await demonstrate(options);
  } catch (error) {
    console.error(
      error instanceof UsageError
        ? `${error.message}\n\n${USAGE}`
        : `\n${(error as Error).message}`,
    );
    return CANNOT_RUN;
  }
}

async function demonstrate({ locked, replicas, invoices }: DemoOptions): Promise<number> {
  if (locked && !process.env['REDIS_URL']) {
    throw new UsageError('REDIS_URL is not set; `npm start` brings a Redis of its own.');
  }
  const display = new Display();
  const results = [];
  for (const withLocks of locked ? [true, false] : [false]) {
    display.begin(
      [
        replicas === 1 ? '1 replica issues' : `${replicas} replicas issue`,
        `${plural(invoices, 'invoice')},`,
        withLocks ? 'with locks' : 'without locks',
      ].join(' '),
    );
    results.push(await run({ locked: withLocks, replicas, invoices }, display));
  }

  display.print(`\n${formatResults(results)}\n\n${formatVerdict(results)}`);
  return failed(results) ? 1 : 0;
}
