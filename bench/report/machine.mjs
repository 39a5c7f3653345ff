import { spawnSync } from 'node:child_process';
import { cpus, loadavg, release, totalmem, type } from 'node:os';
import { findOrInstallServer, REDIS } from '../../scripts/server-binary.mjs';
import { versionOf } from '../contestants/version-of.mjs';
import { canPin } from '../support/cpus.mjs';

const redisVersion = () => {
  const { stdout } = spawnSync(findOrInstallServer(REDIS), ['--version'], { encoding: 'utf8' });
  return /v=(\S+)/.exec(stdout)?.[1] ?? stdout.trim();
};

/** What the numbers depend on; the load is that before the bench. */
export const machineFacts = () => ({
  CPU: `${cpus()[0].model.trim()}, ${cpus().length} cores`,
  memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
  system: `${type()} ${release()}`,
  load: loadavg()
    .map((load) => load.toFixed(2))
    .join(' '),
  pinning: canPin ? 'taskset' : 'none',
  Node: process.version,
  Redis: redisVersion(),
  ioredis: versionOf('ioredis'),
  Nest: versionOf('@nestjs/core'),
  date: new Date().toISOString().slice(0, 10),
});
