import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, renameSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
export const MODULES = join(ROOT, 'node_modules');

const CONFIGS = ['tsconfig.json', 'tsconfig.build.json', 'tsconfig.build.cjs.json'];
const PACKED = ['package.json', 'README.md', 'LICENSE', 'lib', 'monitoring', 'schematics'];

/** Makes `nestjs-locker.tgz` in the directory, and tells which files are in it. */
export async function pack(directory: string): Promise<string[]> {
  // From a copy, so that the build disturbs nobody who uses or makes the real `dist` meanwhile.
  const copy = join(directory, 'source');
  mkdirSync(copy);
  for (const name of [...PACKED, ...CONFIGS]) {
    cpSync(join(ROOT, name), join(copy, name), { recursive: true });
  }
  symlinkSync(MODULES, join(copy, 'node_modules'));
  await run(copy, 'npm', ['run', 'build']);
  const told = await run(copy, 'npm', ['pack', '--json', '--pack-destination', directory]);
  const [{ filename, files }] = JSON.parse(told) as [
    { filename: string; files: { path: string }[] },
  ];
  renameSync(join(directory, filename), join(directory, 'nestjs-locker.tgz'));
  return files.map(({ path }) => path);
}

/** Installs what the project in this directory depends on. */
export async function npmInstall(directory: string): Promise<void> {
  const quiet = ['--no-audit', '--no-fund', '--no-package-lock', '--loglevel=error'];
  await run(directory, 'npm', ['install', '--prefer-offline', ...quiet]);
}

/** What the command prints; its error has all that it said. */
export async function run(...command: Parameters<typeof runForBoth>): Promise<string> {
  return (await runForBoth(...command)).stdout;
}

/** What the command prints, and what it says beside that. */
export async function runForBoth(
  cwd: string,
  file: string,
  args: readonly string[],
  variables: NodeJS.ProcessEnv = {},
): Promise<{ stdout: string; stderr: string }> {
  const env = { ...environment(), ...variables };
  try {
    const options = { cwd, env, timeout: 180_000, maxBuffer: 2 ** 26 };
    return await promisify(execFile)(file, args, options);
  } catch (error) {
    const { message, stdout, stderr } = error as Error & Record<'stdout' | 'stderr', string>;
    throw new Error(`${message}\n${stdout}\n${stderr}`, { cause: error });
  }
}

/** Ours, without what npm and jest tell their children about the run they are part of. */
function environment(): NodeJS.ProcessEnv {
  const told = /^(npm_(package|lifecycle|config_local_prefix)|NODE_OPTIONS$|NODE_ENV$|JEST_)/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !told.test(name)));
}
