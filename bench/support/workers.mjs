import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { onCpu } from './cpus.mjs';

const WORKER = fileURLToPath(new URL('../worker.mjs', import.meta.url));

/** A process that runs one contestant; see worker.mjs for what it is told and tells. */
export class Worker {
  #messages = [];
  #changed = new Set();
  #errors = '';
  #child;

  /** @param cpu pinned to the machine's first (0) or second (1) CPU, or undefined */
  constructor(workload, contestant, settings, cpu) {
    const args = ['--expose-gc', WORKER, workload, contestant, JSON.stringify(settings)];
    const [command, ...rest] = onCpu(cpu, [process.execPath, ...args]);
    this.#child = spawn(command, rest, { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
    this.#child.stderr.on('data', (data) => {
      this.#errors = `${this.#errors}${data}`.slice(-2_000);
    });
    this.#child.on('message', (message) => {
      this.#messages.push(message);
      this.#wake();
    });
    this.#child.once('error', (error) => (this.#errors += error.message));
    this.#child.once('close', () => this.#wake());
  }

  /** What it tells under a type, once it has; rejects if it ends before. */
  async told(type) {
    for (;;) {
      const index = this.#messages.findIndex((message) => message.type === type);
      if (index >= 0) return this.#messages.splice(index, 1)[0];
      if (this.#hasEnded) throw new Error(`a process ended early: ${lastLine(this.#errors)}`);
      await new Promise((resolve) => this.#changed.add(resolve));
    }
  }

  tell(type, content = {}) {
    // It may just have ended; `told` says so.
    this.#child.send({ type, ...content }, () => undefined);
  }

  /** At once, as SIGKILL does it. */
  async kill() {
    if (this.#hasEnded) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await ended;
  }

  get #hasEnded() {
    const { exitCode, signalCode, pid } = this.#child;
    return exitCode !== null || signalCode !== null || pid === undefined;
  }

  #wake() {
    for (const resolve of this.#changed) resolve();
    this.#changed.clear();
  }
}

const lastLine = (text) => {
  const lines = text.split('\n').filter((line) => line.trim());
  return lines.find((line) => /^\w*Error\b/.test(line)) ?? lines.at(-1) ?? 'without a word';
};
