import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const isExecutable = (file) => {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

const onPath = (name) =>
  (process.env.PATH ?? '')
    .split(delimiter)
    .filter(Boolean)
    .map((directory) => join(directory, name))
    .find(isExecutable);

/** The path of a Redis (or Valkey) server binary on this machine, if there is one. */
export const findServer = () =>
  process.env.REDIS_SERVER || onPath('redis-server') || onPath('valkey-server');

/** What goes before a command to run it as root: nothing, sudo, or undefined where neither will do. */
const rootPrefix = () => {
  if (process.getuid?.() === 0) return [];
  const sudo = onPath('sudo');
  return sudo && spawnSync(sudo, ['-n', 'true']).status === 0 ? [sudo, '-n'] : undefined;
};

const installServer = () => {
  const prefix = process.platform === 'linux' && onPath('apt-get') ? rootPrefix() : undefined;
  if (!prefix) return;
  console.error(
    'No redis-server found: installing it with apt-get (without starting its service).',
  );

  const asRoot = (...command) => {
    // RUNLEVEL=1 keeps invoke-rc.d from starting the packaged service.
    const env = ['env', 'RUNLEVEL=1', 'DEBIAN_FRONTEND=noninteractive'];
    const [file, ...args] = [...prefix, ...env, ...command];
    return spawnSync(file, args, { encoding: 'utf8' });
  };
  const aptGet = (...args) => asRoot('apt-get', '-qq', '-o', 'DPkg::Lock::Timeout=120', ...args);
  const install = () => aptGet('install', '-y', '--no-install-recommends', 'redis-server');

  let outcome = install();
  if (outcome.status !== 0) {
    // The package lists may be absent or stale.
    aptGet('update');
    outcome = install();
  }
  if (outcome.status !== 0) {
    console.error(outcome.stderr || outcome.error?.message);
    return;
  }
  // systemd does not look at the run level; the service was not here before, so nobody needs it.
  if (existsSync('/run/systemd/system')) asRoot('systemctl', 'disable', '--now', 'redis-server');
};

/** The path of a server binary, installed first where that is possible; throws where it is not. */
export const findOrInstallServer = () => {
  const found = findServer();
  if (found) return found;
  installServer();
  const installed = findServer();
  if (installed) return installed;
  throw new Error(
    'A redis-server binary (7 or newer) is needed and was not found. Install one:\n' +
      '  Debian, Ubuntu:  sudo apt-get install redis-server\n' +
      '  macOS:           brew install redis\n' +
      'Or use a running Redis (enough for the sample app, not for the tests):\n' +
      '  docker run --rm -p 6379:6379 redis    and set REDIS_URL=redis://127.0.0.1:6379',
  );
};
