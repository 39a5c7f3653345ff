// npm run bench: measures the library beside others, and prints tables; see options.mjs.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { IN_PROCESS, loadContestant, OURS } from './contestants/index.mjs';
import { installContestants } from './install.mjs';
import { readOptions, USAGE } from './options.mjs';

const RESULTS = new URL('./results/', import.meta.url);

async function runWorkload(workload, contestants, { repetitions, settings }) {
  const { measure } = await import('./measure.mjs');
  const { takesPart = ({ name }) => name !== IN_PROCESS, cells = [{}] } = workload;
  const rivals = contestants.filter(takesPart);
  const runs = Object.fromEntries(rivals.map(({ name }) => [name, []]));
  const times = Math.min(repetitions, workload.repetitions ?? Infinity);
  for (let repetition = 0; repetition < times; repetition++) {
    for (const cell of cells) {
      // Side by side, and each repetition in another order: what disturbs the machine hits all alike.
      const first = repetition % rivals.length;
      for (const { name } of [...rivals.slice(first), ...rivals.slice(0, first)]) {
        console.error(
          `${workload.name} ${repetition + 1}/${times} ${name}`,
          ...Object.values(cell),
        );
        const outcome = await measure({ workload, contestant: name, cell, settings });
        runs[name].push({ repetition, cell, ...outcome });
      }
    }
  }
  return runs;
}

async function main() {
  const options = readOptions(process.argv.slice(2));
  if (options.needsHelp) return console.log(USAGE);
  installContestants();
  const { library } = options.settings;
  if (options.contestants.includes(OURS) && !existsSync(fileURLToPath(library))) {
    throw new Error(`There is no build at ${fileURLToPath(library)}: npm run build`);
  }

  // Only now: they need what has just been installed.
  const { loadWorkload } = await import('./workloads/index.mjs');
  const { machineFacts } = await import('./report/machine.mjs');
  const { renderReport } = await import('./report/report.mjs');
  const contestants = await Promise.all(options.contestants.map(loadContestant));
  const report = { machine: machineFacts(), options, contestants, results: [] };
  for (const name of options.workloads) {
    const workload = await loadWorkload(name);
    const runs = await runWorkload(workload, contestants, options);
    if (Object.keys(runs).length) report.results.push({ workload, runs });
  }

  const { markdown, json } = await renderReport(report);
  mkdirSync(RESULTS, { recursive: true });
  writeFileSync(new URL('latest.md', RESULTS), markdown);
  writeFileSync(new URL('latest.json', RESULTS), json);
  console.log(markdown);
}

try {
  await main();
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
