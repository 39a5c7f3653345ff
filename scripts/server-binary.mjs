// Finds the servers that the tests, the benchmarks and the sample app start, or installs them.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

export const REDIS = {
  /** Names the binary, for one that is elsewhere; the command run with it gets it too. */
  variable: 'REDIS_SERVER',
  binaries: ['redis-server', 'valkey-server'],
  aptPackages: ['redis-server'],
  service: 'redis-server',
  help:
    'A redis-server binary (7 or newer) is needed and was not found. Install one:\n' +
    '  Debian, Ubuntu:  sudo apt-get install redis-server\n' +
    '  macOS:           brew install redis\n' +
    'Or use a running Redis (enough for the sample app, not for the tests):\n' +
    '  docker run --rm -p 6379:6379 redis    and set REDIS_URL=redis://127.0.0.1:6379',
};

export const MARIADB = {
  variable: 'MARIADB_SERVER',
  binaries: ['mariadbd'],
  // These have no service; the second one is for mariadb-install-db.
  aptPackages: ['mariadb-server-core', 'mariadb-client-core'],
  help:
    'A mariadbd binary (MariaDB 10.6 or newer) is needed for the tests and was not found. Install one:\n' +
    '  Debian, Ubuntu:  sudo apt-get install mariadb-server-core mariadb-client-core\n' +
    '  macOS:           brew install mariadb\n' +
    'One that is elsewhere is named by MARIADB_SERVER.',
};

/** The package has promtool, too. */
export const PROMETHEUS = {
  variable: 'PROMETHEUS',
  binaries: ['prometheus'],
  aptPackages: ['prometheus'],
  service: 'prometheus',
  help:
    'Prometheus is needed for the tests and was not found. Install it:\n' +
    '  Debian, Ubuntu:  sudo apt-get install prometheus\n' +
    '  macOS:           brew install prometheus\n' +
    'One that is elsewhere is named by PROMETHEUS, with promtool beside it.',
};

/** No server, but found and installed like one: in which the page of the locks is tested. */
export const CHROMIUM = {
  variable: 'CHROMIUM',
  binaries: [
    'chromium-headless-shell',
    'chromium',
    'chromium-browser',
    'google-chrome',
    'google-chrome-stable',
  ],
  aptPackages: ['chromium-headless-shell'],
  help:
    'Chromium is needed for the tests and was not found. Install it:\n' +
    '  Debian:   sudo apt-get install chromium-headless-shell\n' +
    '  Ubuntu:   npx playwright-core install --with-deps chromium-headless-shell\n' +
    '  macOS:    brew install --cask chromium\n' +
    'One that is elsewhere is named by CHROMIUM.',
};

/** Likewise: for what the tests compile. */
export const C_COMPILER = {
  variable: 'CC',
  binaries: ['cc', 'gcc', 'clang'],
  aptPackages: ['gcc', 'libc6-dev'],
  help:
    'A C compiler is needed for the tests and was not found. Install one:\n' +
    '  Debian, Ubuntu:  sudo apt-get install gcc libc6-dev\n' +
    '  macOS:           xcode-select --install\n' +
    'One that is elsewhere is named by CC.',
};

/** The model checker, likewise. */
export const SPIN = {
  variable: 'SPIN',
  binaries: ['spin'],
  aptPackages: ['spin'],
  help:
    'Spin 6 (the model checker) is needed for the model and was not found. Install it:\n' +
    '  Debian, Ubuntu:  sudo apt-get install spin\n' +
    '  macOS:           brew install spin\n' +
    'One that is elsewhere is named by SPIN.',
};

const isExecutable = (file) => {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

const find = (...names) => {
  // Servers are often where only root's PATH leads.
  const path = [...(process.env.PATH ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin'];
  return names
    .flatMap((name) => path.filter(Boolean).map((directory) => join(directory, name)))
    .find(isExecutable);
};

/** The path of the server's binary on this machine, if there is one. */
export const findServer = ({ variable, binaries }) => process.env[variable] || find(...binaries);

/** What goes before a command to run it as root: nothing, sudo, or undefined where neither will do. */
const rootPrefix = () => {
  if (process.getuid?.() === 0) return [];
  const sudo = find('sudo');
  return sudo && spawnSync(sudo, ['-n', 'true']).status === 0 ? [sudo, '-n'] : undefined;
};

const installServer = ({ binaries: [name], aptPackages, service }) => {
  const prefix = process.platform === 'linux' && find('apt-get') ? rootPrefix() : undefined;
  if (!prefix) return;
  console.error(`No ${name} found: installing it with apt-get (without starting a service).`);

  const asRoot = (...command) => {
    // RUNLEVEL=1 keeps invoke-rc.d from starting the packaged service.
    const env = ['env', 'RUNLEVEL=1', 'DEBIAN_FRONTEND=noninteractive'];
    const [file, ...args] = [...prefix, ...env, ...command];
    return spawnSync(file, args, { encoding: 'utf8' });
  };
  const aptGet = (...args) => asRoot('apt-get', '-qq', '-o', 'DPkg::Lock::Timeout=120', ...args);
  const install = () => aptGet('install', '-y', '--no-install-recommends', ...aptPackages);

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
  if (service && existsSync('/run/systemd/system'))
    asRoot('systemctl', 'disable', '--now', service);
};

/** The path of a server's binary, installed first where that is possible; throws where it is not. */
export const findOrInstallServer = (server) => {
  const found = findServer(server);
  if (found) return found;
  installServer(server);
  const installed = findServer(server);
  if (installed) return installed;
  throw new Error(server.help);
};
