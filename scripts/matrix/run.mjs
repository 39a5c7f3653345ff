// npm run matrix -- [--write] [--strict] [--missing] [--only <text>]
//
// Runs the specs that speak to Nest and Redis on every cell of the matrix, a cell at a time, and prints the
// table. --only takes the cells whose name has the text, such as "valkey"; the others keep what was found last, and
// --missing those that have passed.
// --write puts the table into docs/compatibility.md. Ends with 1 if a cell fails; with --strict, also if one cannot
// run or none is meant.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { CELLS, idOf, SPECS } from './cells.mjs';
import { CACHE, NotHere, nodeBinary, serverBinary } from './runtimes.mjs';
import { tableOf, writeTable } from './table.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const RESULTS = join(CACHE, 'results.json');
const CELL_MS = 600_000;
const today = () => new Date().toISOString().slice(0, 10);

const { values } = parseArgs({
  options: {
    write: { type: 'boolean' },
    strict: { type: 'boolean' },
    missing: { type: 'boolean' },
    only: { type: 'string' },
  },
});

const runJest = ({ nest, ioredis }, node, server, report) =>
  new Promise((resolve) => {
    const flags = [
      '--experimental-vm-modules',
      '--disable-warning=ExperimentalWarning',
      '--expose-gc',
    ];
    const select = [
      '--selectProjects',
      `nest ${nest}`,
      '--json',
      `--outputFile=${report}`,
      '--silent',
    ];
    const jest = [...flags, join(ROOT, 'node_modules/jest/bin/jest.js'), ...SPECS, ...select];
    const command = [join(ROOT, 'scripts/with-redis.mjs'), node, ...jest];
    const env = {
      ...process.env,
      REDIS_URL: '',
      CI: '1',
      REDIS_SERVER: server,
      COMPAT_IOREDIS: ioredis,
    };
    const child = spawn(process.execPath, command, {
      cwd: ROOT,
      env,
      stdio: ['ignore', 2, 2],
      timeout: CELL_MS,
    });
    child.once('close', resolve);
  });

const versionOf = (directory, name) =>
  JSON.parse(readFileSync(join(ROOT, directory, 'node_modules', name, 'package.json'), 'utf8'))
    .version;

const directoryOf = (isOlder) => (isOlder ? 'test/compat/nest-11' : '.');

async function measure(cell) {
  try {
    const node = nodeBinary(cell.node);
    const { binary, version } = serverBinary(cell.server);
    const report = join(CACHE, 'report.json');
    rmSync(report, { force: true });
    await runJest(cell, node, binary, report);
    // The file tells, and not the code: without one nothing has run.
    if (!existsSync(report)) return { verdict: '**failed**: it did not end', on: today() };
    const told = JSON.parse(readFileSync(report, 'utf8'));
    const { numPassedTests: passed, numFailedTests: failed, numFailedTestSuites: suites } = told;
    const tried = told.testResults.flatMap(({ assertionResults }) => assertionResults);
    const retried = tried.filter(({ invocations }) => invocations > 1).length;
    const isGreen = told.success && passed > 0 && failed === 0 && suites === 0;
    const { stdout } = spawnSync(node, ['-p', 'process.versions.node'], { encoding: 'utf8' });
    const versions = {
      node: stdout.trim(),
      nest: versionOf(directoryOf(cell.nest === '11'), '@nestjs/core'),
      ioredis: versionOf(directoryOf(cell.ioredis === '5'), 'ioredis'),
      server: version,
    };
    const green = retried ? `passed, ${retried} at the second try` : 'passed';
    const verdict = isGreen ? green : `**failed** (${failed || suites})`;
    return { versions, tests: passed + failed, verdict, on: today() };
  } catch (error) {
    if (!(error instanceof NotHere)) throw error;
    return { verdict: error.message };
  }
}

mkdirSync(CACHE, { recursive: true });
const results = existsSync(RESULTS) ? JSON.parse(readFileSync(RESULTS, 'utf8')) : {};
const isAsked = (cell) =>
  idOf(cell)
    .toLowerCase()
    .includes((values.only ?? '').toLowerCase());
const isGreen = (verdict = '') => verdict.startsWith('passed');
const hasPassed = (cell) => isGreen(results[idOf(cell)]?.verdict);
const asked = CELLS.filter((cell) => isAsked(cell) && !(values.missing && hasPassed(cell)));
for (const cell of asked) {
  console.error(`\n${idOf(cell)}`);
  results[idOf(cell)] = await measure(cell);
  writeFileSync(RESULTS, JSON.stringify(results, null, 2));
  if (values.write) await writeTable(results);
}
console.log(tableOf(results));
const verdicts = asked.map((cell) => results[idOf(cell)].verdict);
const isFailure = (verdict) => (values.strict ? !isGreen(verdict) : verdict.startsWith('**failed'));
if (verdicts.some(isFailure) || (values.strict && asked.length === 0)) process.exitCode = 1;
