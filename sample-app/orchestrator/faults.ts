import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Child } from './child.ts';

/** One replica stands still once a third of the invoices is issued, another dies at the half. */
const STOP_AT = 1 / 3;
const KILL_AT = 1 / 2;

/** When a replica stood still, in milliseconds since 1970. */
export interface Pause {
  readonly replica: string;
  readonly from: number;
  readonly to: number;
}

export interface FaultsOptions {
  readonly replicas: readonly Child[];
  /** How long the stopped replica stands still. */
  readonly stopMs: number;
  readonly note: (text: string) => void;
}

/** What goes wrong in a run. */
export class Faults {
  pause: Pause | undefined;
  killed: string | undefined;
  private stopping: Promise<void> | undefined;
  private killing: Promise<void> | undefined;

  constructor(private readonly options: FaultsOptions) {}

  /** Lets happen what is due at this share (0 to 1) of the work. */
  advance(share: number): void {
    if (share >= STOP_AT) this.stopping ??= this.stopAndResume();
    if (share >= KILL_AT) this.killing ??= this.kill();
  }

  /** Settles when all that had begun is over. */
  async over(): Promise<void> {
    await Promise.all([this.stopping, this.killing]);
  }

  private async stopAndResume(): Promise<void> {
    const { replicas, stopMs, note } = this.options;
    const replica = replicas[0]!;
    const from = Date.now();
    const safetyNet = resumeLater(replica.pid, stopMs + 1_000);
    replica.stop();
    note(`${replica.name} is stopped (SIGSTOP) for ${stopMs / 1_000} s`);

    await sleep(stopMs);
    note(`${replica.name} goes on (SIGCONT)`);
    this.pause = { replica: replica.name, from, to: Date.now() };
    replica.resume();
    safetyNet();
  }

  /** With a single replica nobody would be left to do the work. */
  private async kill(): Promise<void> {
    const replica = this.options.replicas[1];
    if (!replica) return;
    this.killed = replica.name;
    await replica.kill();
    this.options.note(`${replica.name} is killed (SIGKILL)`);
  }
}

/** A stopped process cannot end with its parent: should the parent be killed, a shell wakes it. */
function resumeLater(pid: number, afterMs: number): () => void {
  const shell = spawn('sh', ['-c', `sleep ${afterMs / 1_000}; kill -CONT ${pid}`], {
    detached: true,
    stdio: 'ignore',
  });
  shell.unref();
  return () => {
    if (shell.pid) process.kill(-shell.pid, 'SIGKILL');
  };
}
