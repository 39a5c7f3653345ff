// Installs what the tests need to run against the older NestJS, when it is missing or out of date.
import { spawnSync } from 'node:child_process';
import { statSync, utimesSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const directory = fileURLToPath(new URL('../test/compat/nest-11/', import.meta.url));
const changedAt = (file) =>
  statSync(directory + file, { throwIfNoEntry: false })?.mtimeMs ?? -Infinity;

// npm writes this file last, so an interrupted install does not count as one.
const installed = 'node_modules/.package-lock.json';
const isCurrent = () =>
  changedAt(installed) >= Math.max(changedAt('package.json'), changedAt('package-lock.json'));

if (!isCurrent()) {
  console.error('Installing the dependencies of test/compat/nest-11.');
  const { status } = spawnSync('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: directory,
    // npm's progress goes with the messages: stdout stays the caller's.
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  });
  if (status === 0) {
    // npm leaves the file alone when nothing had to change.
    const now = new Date();
    utimesSync(directory + installed, now, now);
  }
  process.exitCode = status ?? 1;
}
