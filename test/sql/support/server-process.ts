import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dieTogether } from '../../support/die-together.js';
import { freePort } from '../../support/free-port.js';
import { until } from '../../support/until.js';
import { giveTo, type PlainUser, plainUser } from './plain-user.js';

export const HOST = '127.0.0.1';

export interface Command {
  file: string;
  args: string[];
}

export interface Place {
  /** The server's own; whoever starts the server can write there. */
  directory: string;
  /** In it, to be made by the server's own means. */
  data: string;
  user: PlainUser;
}

export interface ServerDefinition {
  /** Makes the data directory. */
  initialize: Command;
  listen: (port: number) => Command;
  /** What it prints when it takes connections. */
  ready: RegExp;
  /** Ends it at once, with all its processes. */
  end: NodeJS.Signals;
}

/** A database server of the test's own, in a temporary directory, as a user who is not root. */
export class ServerProcess {
  static async start(define: (place: Place) => ServerDefinition): Promise<ServerProcess> {
    const server = new ServerProcess();
    try {
      await server.launch(define(server.place));
      return server;
    } catch (error) {
      await server.stop();
      throw error;
    }
  }

  port = 0;
  private readonly place: Place;
  private child?: ChildProcess;
  private end: NodeJS.Signals = 'SIGKILL';
  private log = '';

  private constructor() {
    const user = plainUser();
    const directory = mkdtempSync(join(tmpdir(), 'nestjs-locker-'));
    giveTo(user, directory);
    this.place = { directory, data: join(directory, 'data'), user };
  }

  private get running(): boolean {
    return !!this.child && this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Ends it and removes its directory; harmless when repeated. */
  async stop(): Promise<void> {
    if (this.child && this.running) {
      const exited = once(this.child, 'exit');
      this.child.kill(this.end);
      await exited;
    }
    rmSync(this.place.directory, { recursive: true, force: true });
  }

  private async launch({ initialize, listen, ready, end }: ServerDefinition): Promise<void> {
    const initialized = this.spawn(initialize);
    await until(() => !this.running, { what: 'the data directory is made', timeoutMs: 60_000 });
    if (initialized.exitCode !== 0) throw this.failure(initialized, 'failed');

    this.end = end;
    for (let attempt = 1; ; attempt++) {
      this.port = await freePort(HOST);
      const child = this.spawn(listen(this.port));
      await until(() => !this.running || ready.test(this.log), {
        what: `${child.spawnfile} is ready`,
        timeoutMs: 20_000,
      });
      if (this.running) return;
      // Another process may have been faster.
      const portIsTaken = /address already in use/i.test(this.log);
      if (!portIsTaken || attempt === 5) throw this.failure(child, 'ended before it was ready');
    }
  }

  private spawn({ file, args }: Command): ChildProcess {
    const { user, directory } = this.place;
    const child = spawn(file, args, {
      ...user,
      // The tests' own directories may be closed to the user.
      cwd: directory,
      env: { ...process.env, TMPDIR: directory },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.log = '';
    const keep = (text: unknown) => (this.log = (this.log + String(text)).slice(-4000));
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.once('error', keep);
    this.child = child;
    dieTogether(child, directory, this.end);
    return child;
  }

  private failure(child: ChildProcess, what: string): Error {
    return new Error(`${child.spawnfile} ${what}:\n${this.log}`);
  }
}
