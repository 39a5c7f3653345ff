// npm run faults: real clients on real servers under faults, and what their histories say; see options.ts.
import { writeFileSync } from 'node:fs';
import { readOptions, USAGE } from './options.js';
import { explain } from './report/explain.js';
import { hasFailed } from './report/judge.js';
import { render } from './report/render.js';
import { summarize, type Summary } from './report/summary.js';
import { writeInto } from '../../scripts/write-into.mjs';
import { runFault } from './run-fault.js';
import { StorageServer } from './stage/storage-server.js';

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2));
  if (options.needsHelp) return console.log(USAGE);
  if (options.libraries.some((library) => library !== 'nestjs-locker')) await installOthers();
  const storage = await StorageServer.start();
  const summaries: Summary[] = [];
  try {
    for (const fault of options.faults) {
      for (const library of options.libraries) {
        const { seconds, seed } = options;
        console.error(`${fault.name} ${library}`);
        const run = await runFault(fault, { library, seconds, seed, storage });
        console.error(`  ${JSON.stringify(summarize(run))}`);
        if (hasFailed(run) && library === 'nestjs-locker') {
          console.error(explain(run));
          process.exitCode = 1;
        }
        summaries.push(summarize(run));
      }
    }
  } finally {
    await storage.stop();
  }
  const markdown = render(summaries, options);
  if (options.json) writeFileSync(options.json, JSON.stringify(summaries, null, 2));
  if (options.writes) {
    await writeInto(new URL('../../docs/evidence.md', import.meta.url), 'faults', markdown);
  }
  console.log(markdown);
}

/** Where the bench has them, too. */
async function installOthers(): Promise<void> {
  const { href } = new URL('../../bench/install.mjs', import.meta.url);
  ((await import(href)) as { installContestants(): void }).installContestants();
}

await main();
// Clients of servers that are gone may still be trying.
process.exit();
