// Other versions of Node and another server, kept below node_modules/.cache; nothing is installed in the system.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findOrInstallServer, findServer, REDIS } from '../server-binary.mjs';

export const CACHE = fileURLToPath(new URL('../../node_modules/.cache/matrix', import.meta.url));
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** A reason why a cell cannot run here, for the table. */
export class NotHere extends Error {}

const run = (cwd, file, ...args) => {
  const { status, stderr, error } = spawnSync(file, args, { cwd, encoding: 'utf8' });
  if (status !== 0)
    throw new NotHere(
      `${file} failed: ${(stderr || error?.message || '').trim().split('\n').at(-1)}`,
    );
};

/** The binary of a Node version: this one, or what the registry has as a package. */
export function nodeBinary(version) {
  if (process.versions.node.split('.')[0] === version) return process.execPath;
  const name = `node-${process.platform}-${process.arch}`;
  const directory = join(CACHE, `node-${version}`);
  const binary = join(directory, 'node_modules', name, 'bin/node');
  if (!existsSync(binary)) {
    mkdirSync(directory, { recursive: true });
    run(
      directory,
      'npm',
      'install',
      '--prefix',
      directory,
      '--ignore-scripts',
      '--no-audit',
      '--no-fund',
      `${name}@${version}`,
    );
  }
  return binary;
}

/** No package has these here: they are named, as the workflow does with those of their images. */
const NAMED = { 'Redis 6.2': 'REDIS_6_2_SERVER', 'Redis 8': 'REDIS_8_SERVER' };

/** The binary of a server. */
export function serverBinary(server) {
  const [name, version] = server.split(' ');
  return checked(pathOf(server), name, version);
}

function pathOf(server) {
  if (server === 'Redis 7') return findOrInstallServer({ ...REDIS, binaries: ['redis-server'] });
  if (server === 'Valkey 8') return valkey();
  const variable = NAMED[server];
  const binary = process.env[variable];
  if (binary) return binary;
  throw new NotHere(
    `in the workflow only: no package of ${server} here (${variable} names a binary)`,
  );
}

/** What the table says has to be what has run. */
function checked(binary, name, line) {
  const { stdout } = spawnSync(binary, ['--version'], { encoding: 'utf8' });
  const [, found, version] = /^(Redis|Valkey) server v=(\S+)/i.exec(stdout ?? '') ?? [];
  if (found?.toLowerCase() === name.toLowerCase() && version.startsWith(`${line}.`))
    return { binary, version };
  throw new NotHere(`${binary} is ${found ?? 'nothing'} ${version ?? ''}`);
}

/** Of the system, or of Debian's backports, unpacked and not installed. */
function valkey() {
  const found = findServer({ variable: 'VALKEY_SERVER', binaries: ['valkey-server'] });
  if (found) return found;
  const directory = join(CACHE, 'valkey');
  const binary = join(directory, 'root/usr/bin/valkey-server');
  if (existsSync(binary)) return binary;
  if (!existsSync(KEYRING))
    throw new NotHere('no valkey-server here (VALKEY_SERVER names a binary)');
  const [, release] =
    /^VERSION_CODENAME=(\w+)$/m.exec(readFileSync('/etc/os-release', 'utf8')) ?? [];
  mkdirSync(join(directory, 'lists/partial'), { recursive: true });
  mkdirSync(join(directory, 'cache/archives/partial'), { recursive: true });
  const sources = join(directory, 'sources.list');
  writeFileSync(
    sources,
    `deb [signed-by=${KEYRING}] ${archiveOf(release)} ${release}-backports main\n`,
  );
  const apart = [
    `Dir::Etc::SourceList=${sources}`,
    'Dir::Etc::SourceParts=-',
    `Dir::State::Lists=${directory}/lists`,
    `Dir::Cache=${directory}/cache`,
    'APT::Sandbox::User=',
  ].flatMap((option) => ['-o', option]);
  run(directory, 'apt-get', '-qq', ...apart, 'update');
  // The binary is a part of the tools.
  run(directory, 'apt-get', '-qq', ...apart, 'download', 'valkey-server', 'valkey-tools');
  for (const name of readdirSync(directory).filter((file) => file.endsWith('.deb'))) {
    run(directory, 'dpkg', '-x', name, 'root');
  }
  return binary;
}

/** From where this system has its packages. */
function archiveOf(release) {
  const format = '$(REPO_URI) $(RELEASE) $(LABEL)';
  const asked = ['indextargets', '--format', format, 'Created-By: Packages'];
  const { stdout } = spawnSync('apt-get', asked, { encoding: 'utf8' });
  const targets = (stdout ?? '').split('\n').map((line) => line.split(' '));
  const found = targets.find(([, suite, label]) => suite === release && label === 'Debian');
  if (!found) throw new NotHere('apt does not know where Debian is (apt-get update)');
  return found[0];
}
