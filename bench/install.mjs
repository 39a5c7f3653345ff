// Installs what the library is compared with, when it is missing or out of date.
import { spawnSync } from 'node:child_process';
import { statSync, utimesSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const directory = fileURLToPath(new URL('./', import.meta.url));
const changedAt = (file) =>
  statSync(directory + file, { throwIfNoEntry: false })?.mtimeMs ?? -Infinity;

// npm writes this file last, so an interrupted install does not count as one.
const installed = 'node_modules/.package-lock.json';
const isCurrent = () =>
  changedAt(installed) >= Math.max(changedAt('package.json'), changedAt('package-lock.json'));

export function installContestants() {
  if (isCurrent()) return;
  console.error('Installing the dependencies of bench.');
  const args = ['install', '--no-audit', '--no-fund', '--loglevel=error'];
  const { status } = spawnSync('npm', args, {
    cwd: directory,
    // npm's progress goes with the messages: stdout is for the tables.
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  });
  if (status !== 0) throw new Error('npm could not install the dependencies of bench');
  // npm leaves the file alone when nothing had to change.
  const now = new Date();
  utimesSync(directory + installed, now, now);
}
