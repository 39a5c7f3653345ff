import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { ChildMessage } from '../shared/parent-process.ts';

const GRACE_MS = 10_000;
const living = new Set<Child>();

/** The last resort: nothing that was started here outlives this process. */
process.once('exit', () => {
  for (const child of living) void child.kill();
});

/** Without asking them: for when something has gone wrong. */
export async function killAllChildren(): Promise<void> {
  await Promise.all([...living].map((child) => child.kill()));
}

export interface ChildOptions {
  readonly name: string;
  /** The compiled script, as a path below `sample-app`. */
  readonly script: string;
  readonly env: Readonly<Record<string, string>>;
  readonly onOutput: (line: string) => void;
}

/** One process of the demo. */
export class Child {
  readonly name: string;
  /** Rejects when the process ends although nobody asked it to. */
  readonly crashed: Promise<never>;
  private readonly process: ChildProcess;
  private readonly exited: Promise<unknown>;
  private ending = false;

  constructor(options: ChildOptions) {
    this.name = options.name;
    const script = fileURLToPath(new URL(`../${options.script}`, import.meta.url));
    this.process = fork(script, {
      env: { ...process.env, NO_COLOR: '1', ...options.env },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    living.add(this);
    for (const output of [this.process.stdout!, this.process.stderr!]) {
      createInterface(output).on('line', options.onOutput);
    }

    this.exited = once(this.process, 'close').finally(() => living.delete(this));
    this.crashed = this.exited.then((status) => {
      if (this.ending) return new Promise<never>(() => undefined);
      throw new Error(`${this.name} ended by itself (${String(status)}); see its output above.`);
    });
    // Whoever runs the demo races against it; until then it is nobody's unhandled rejection.
    this.crashed.catch(() => undefined);
  }

  get pid(): number {
    return this.process.pid!;
  }

  /** Waits for a message of this type. */
  async says<T extends ChildMessage['type']>(type: T): Promise<Extract<ChildMessage, { type: T }>> {
    const said = new Promise<ChildMessage>((resolve) => {
      const listener = (message: unknown): void => {
        if ((message as ChildMessage).type !== type) return;
        this.process.off('message', listener);
        resolve(message as ChildMessage);
      };
      this.process.on('message', listener);
    });
    return (await Promise.race([said, this.crashed])) as Extract<ChildMessage, { type: T }>;
  }

  stop(): void {
    this.process.kill('SIGSTOP');
  }

  resume(): void {
    this.process.kill('SIGCONT');
  }

  async kill(): Promise<void> {
    this.ending = true;
    this.process.kill('SIGKILL');
    await this.exited;
  }

  /** Asks it to end, and lets it finish what it is at. */
  async end(): Promise<void> {
    this.ending = true;
    this.process.kill('SIGTERM');
    const timer = setTimeout(() => this.process.kill('SIGKILL'), GRACE_MS);
    await this.exited;
    clearTimeout(timer);
  }
}
