// Installs what the tests need beside the project's own dependencies, when it is missing or out of date.
import { spawnSync } from 'node:child_process';
import { statSync, utimesSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The older NestJS; SQL servers and clients, some of which want other versions of what the project has. */
const DIRECTORIES = ['test/compat/nest-11/', 'test/sql/'];
/** npm writes this file last, so an interrupted install does not count as one. */
const INSTALLED = 'node_modules/.package-lock.json';

const changedAt = (file) => statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? -Infinity;

const isCurrent = (directory) =>
  changedAt(directory + INSTALLED) >=
  Math.max(changedAt(`${directory}package.json`), changedAt(`${directory}package-lock.json`));

const install = (directory) => {
  console.error(`Installing the dependencies of ${directory}`);
  const { status } = spawnSync('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: directory,
    // npm's progress goes with the messages: stdout stays the caller's.
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  });
  if (status !== 0) return status ?? 1;
  // npm leaves the file alone when nothing had to change.
  const now = new Date();
  utimesSync(directory + INSTALLED, now, now);
  return 0;
};

for (const relative of DIRECTORIES) {
  const directory = fileURLToPath(new URL(`../${relative}`, import.meta.url));
  if (!isCurrent(directory)) process.exitCode ||= install(directory);
}
