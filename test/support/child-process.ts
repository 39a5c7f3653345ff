import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll } from '@jest/globals';
import { compile, compileLibrary, makeWorkshop } from './compile.js';
import { afterTest } from './lock-service.js';
import { until } from './until.js';

/** Where programs are compiled to; made for the first of a spec, and gone after its last test. */
let workshop: string | undefined;
const compiled = new Map<string, string>();
afterAll(() => {
  if (workshop) rmSync(workshop, { recursive: true, force: true });
});

/** Compiles the library as it is now, as the package `nestjs-locker` of the programs beside it. */
function openWorkshop(): string {
  const directory = makeWorkshop();
  const library = join(directory, 'node_modules/nestjs-locker');
  compileLibrary(library);
  const exports = {
    '.': './index.js',
    './fencing': './fencing/index.js',
    './prometheus': './monitoring/prometheus/index.js',
    './testing': './testing/index.js',
  };
  writeFileSync(join(library, 'package.json'), JSON.stringify({ type: 'module', exports }));
  return directory;
}

/** Once for all processes of a spec that run it. */
function build(program: string): string {
  workshop ??= openWorkshop();
  let file = compiled.get(program);
  if (!file) {
    file = join(workshop, `program-${compiled.size}.mjs`);
    compile(program, file);
    compiled.set(program, file);
  }
  return file;
}

/** A program of the tests, in a process of its own; it tells what it sees as lines of JSON. */
export class Child {
  /** Starts a TypeScript program, which gets `args` and prints `{"type": …}` lines. Killed after the test. */
  static start(program: URL, ...args: string[]): Child {
    const file = build(fileURLToPath(program));
    const child = new Child(spawn(process.execPath, [file, ...args], { stdio: 'pipe' }));
    afterTest(() => child.kill());
    return child;
  }

  private readonly lines: { type: string }[] = [];
  private errors = '';

  private constructor(private readonly child: ChildProcess) {
    createInterface(child.stdout!).on('line', (line) => {
      if (line.startsWith('{"type":')) this.lines.push(JSON.parse(line) as { type: string });
    });
    child.stderr!.on('data', (data: Buffer) => (this.errors += data.toString()));
    // Also when this process is killed, and even if the child is stopped at the time.
    const watcher = spawn('sh', ['-c', 'read -r _; kill -9 "$0"', String(child.pid)], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
    });
    child.once('exit', () => watcher.kill('SIGKILL'));
  }

  /** What it told under a type, once it has. */
  async told<T extends object>(type: string): Promise<T> {
    const find = () => this.lines.find((line) => line.type === type);
    await until(() => !!find() || this.hasExited, {
      what: `the child tells "${type}"`,
      timeoutMs: 30_000,
    });
    const line = find();
    if (!line) throw new Error(`the child ended without telling "${type}":\n${this.errors}`);
    return line as unknown as T;
  }

  /** How it ended, once it has by itself: its exit code, and what it wrote to stderr. */
  async exit(timeoutMs = 30_000): Promise<{ code: number | null; errors: string }> {
    await until(() => this.hasExited, { what: 'the child exits by itself', timeoutMs });
    return { code: this.child.exitCode, errors: this.errors };
  }

  /** Writes to its stdin. */
  write(text: string): void {
    this.child.stdin!.write(text);
  }

  /** Sends it a signal, such as SIGSTOP. */
  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  async kill(): Promise<void> {
    if (this.hasExited) return;
    const exited = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await exited;
  }

  private get hasExited(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }
}
