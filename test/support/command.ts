import { type ChildProcess, spawn } from 'node:child_process';
import { copyFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll } from '@jest/globals';
import { compileLibrary, makeWorkshop } from './compile.js';
import { afterTest } from './lock-service.js';
import { until } from './until.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** The package as it is installed, compiled for the first command of a spec; gone after its last test. */
let directory: string | undefined;
afterAll(() => {
  if (directory) rmSync(directory, { recursive: true, force: true });
});

function build(): string {
  const made = makeWorkshop();
  copyFileSync(join(ROOT, 'package.json'), join(made, 'package.json'));
  compileLibrary(join(made, 'dist/esm'));
  return made;
}

export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** The command `nestjs-locker`, in a process of its own; killed after the test. */
export class CommandRun {
  static start(args: readonly string[], env: Readonly<Record<string, string>> = {}): CommandRun {
    const child = spawn(process.execPath, [CommandRun.file, ...args], {
      stdio: 'pipe',
      env: { ...process.env, REDIS_URL: '', ...env },
    });
    return new CommandRun(child);
  }

  /** On a terminal, as `script` makes one. */
  static onTerminal(
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): CommandRun {
    const quoted = [process.execPath, CommandRun.file, ...args].map((arg) => `'${arg}'`).join(' ');
    // Not below a shell, which would be interrupted too and end in its own way.
    const child = spawn('script', ['-qec', `exec ${quoted}`, '/dev/null'], {
      stdio: 'pipe',
      env: { ...process.env, TERM: 'xterm', REDIS_URL: '', ...env },
    });
    return new CommandRun(child);
  }

  static get file(): string {
    return join((directory ??= build()), 'dist/esm/cli/main.js');
  }

  out = '';
  err = '';

  private constructor(readonly child: ChildProcess) {
    child.stdout!.on('data', (data: Buffer) => (this.out += data.toString()));
    child.stderr!.on('data', (data: Buffer) => (this.err += data.toString()));
    afterTest(() => child.kill('SIGKILL'));
  }

  /** Resolves once that stands in what it wrote. */
  async wrote(text: string | RegExp): Promise<void> {
    const isThere = () => this.out.search(text) >= 0;
    await until(isThere, { what: `it writes ${String(text)}`, timeoutMs: 20_000 }).catch(
      (error: Error) => {
        throw new Error(`${error.message}; it wrote:\n${this.out}${this.err}`);
      },
    );
  }

  async ended(): Promise<Ended> {
    const { child } = this;
    const isOver = () => child.exitCode !== null || child.signalCode !== null;
    await until(isOver, { what: 'the command ends', timeoutMs: 30_000 });
    await until(() => child.stdout!.readableEnded && child.stderr!.readableEnded, {
      what: 'all is read',
    });
    return { code: child.exitCode, out: this.out, err: this.err };
  }
}

/** Runs the command to its end. */
export const command = (
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> => CommandRun.start(args, env).ended();
