import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { ClientMessage, ClientPlan } from '../client/plan.js';

const PROGRAM = fileURLToPath(new URL('../client/main.ts', import.meta.url));
const HOOKS = new URL('../register.mjs', import.meta.url).href;

/** A process of clients, which the injector stops and kills for real. */
export class ClientProcess {
  /** What its callers hold at this moment, as far as it has told. */
  readonly holds: string[] = [];
  /** Resolves when its callers begin. */
  readonly ready: Promise<void>;
  readonly name: string;
  /** Called at once when one of its callers has looked at its lock, and is about to write. */
  onWrite?: (name: string) => void;
  private errors = '';
  private readonly child: ChildProcess;
  private readonly exited: Promise<unknown>;

  constructor(plan: ClientPlan) {
    this.name = plan.process;
    const args = ['--enable-source-maps', '--import', HOOKS, PROGRAM, JSON.stringify(plan)];
    this.child = spawn(process.execPath, args, {
      env: process.env,
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    this.exited = once(this.child, 'exit');
    this.child.stderr!.on('data', (data: Buffer) => {
      this.errors = `${this.errors}${data.toString()}`.slice(-2_000);
    });
    this.ready = new Promise((resolve, reject) => {
      this.child.on('message', (message: ClientMessage) => {
        if (message.type === 'ready') resolve();
        else if (message.type === 'holds') this.holds.push(message.name);
        else if (message.type === 'writes') this.onWrite?.(message.name);
        else this.holds.splice(this.holds.indexOf(message.name), 1);
      });
      this.child.once('exit', () => reject(new Error(`${this.name} ended early: ${this.errors}`)));
    });
    this.ready.catch(() => undefined);
  }

  get isRunning(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** SIGSTOP: its connections stay open. */
  stop(): void {
    this.child.kill('SIGSTOP');
  }

  continue(): void {
    this.child.kill('SIGCONT');
  }

  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.exited;
  }

  /** Lets its calls come to their end, or kills it when they do not. @returns whether it ended by itself */
  async finish(limitMs: number): Promise<boolean> {
    if (!this.isRunning) throw new Error(`${this.name} ended early: ${this.errors}`);
    this.child.send('stop', () => undefined);
    let timer!: NodeJS.Timeout;
    const late = new Promise((resolve) => {
      timer = setTimeout(resolve, limitMs, 'late');
    });
    const outcome = await Promise.race([this.exited, late]);
    clearTimeout(timer);
    if (outcome !== 'late') {
      const { exitCode } = this.child;
      if (exitCode === 0) return true;
      throw new Error(`${this.name} ended with code ${exitCode}: ${this.errors}`);
    }
    await this.kill();
    return false;
  }
}
