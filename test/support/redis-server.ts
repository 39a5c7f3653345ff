import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis, type RedisOptions } from 'ioredis';
import { ClockShim } from './clock-shim.js';
import { dieTogether } from './die-together.js';
import { freePort } from './free-port.js';
import { until } from './until.js';

export const HOST = '127.0.0.1';

export interface RedisServerOptions {
  /** A free one unless given. */
  port?: number;
  /** Appended to the command line, after what every server here gets. */
  args?: string[];
  /** Makes it a Sentinel with this configuration, which it keeps (and rewrites) over restarts. */
  sentinelConfig?: string;
  /** Lets `stepClock` move its wall clock; on Linux alone. */
  canStepClock?: boolean;
}

/** The id of the process that answers on the port. */
async function answeringPid(port: number): Promise<number | undefined> {
  const socket = connect(port, HOST);
  try {
    socket.setTimeout(1000, () => socket.destroy());
    socket.write('INFO server\r\n');
    let reply = '';
    for await (const chunk of socket) {
      reply += String(chunk);
      const pid = /^process_id:(\d+)\r$/m.exec(reply)?.[1];
      if (pid) return Number(pid);
    }
  } catch {
    // Nothing listens there yet.
  } finally {
    socket.destroy();
  }
  return undefined;
}

class StartError extends Error {}

/** A redis-server process of the test's own, on loopback, without persistence. */
export class RedisServer {
  /** Starts one, resolved when it answers. */
  static async start(options: RedisServerOptions = {}): Promise<RedisServer> {
    for (let attempt = 1; ; attempt++) {
      const server = new RedisServer(options.port ?? (await freePort(HOST)), options);
      try {
        await server.launch();
        return server;
      } catch (error) {
        await server.stop();
        const mayRetry = error instanceof StartError && options.port === undefined && attempt < 5;
        if (!mayRetry) throw error;
      }
    }
  }

  readonly host = HOST;
  readonly url: string;
  private readonly directory = mkdtempSync(join(tmpdir(), 'nestjs-locker-'));
  private readonly clients = new Set<Redis>();
  private child?: ChildProcess;
  private clock?: ClockShim;

  private constructor(
    readonly port: number,
    private readonly options: RedisServerOptions,
  ) {
    this.url = `redis://${HOST}:${port}`;
    if (options.sentinelConfig) writeFileSync(this.sentinelFile, options.sentinelConfig);
  }

  private get sentinelFile(): string {
    return join(this.directory, 'sentinel.conf');
  }

  get pid(): number {
    if (!this.child?.pid) throw new Error(`the server on port ${this.port} was not started`);
    return this.child.pid;
  }

  get running(): boolean {
    return !!this.child && this.child.exitCode === null && this.child.signalCode === null;
  }

  /** A client of this server, disconnected by stop(). */
  client(options: RedisOptions = {}): Redis {
    const client = new Redis({ host: HOST, port: this.port, ...options });
    // Without a listener ioredis prints every lost connection, and tests lose them on purpose.
    client.on('error', () => {});
    client.once('end', () => this.clients.delete(client));
    this.clients.add(client);
    return client;
  }

  /** Freezes the process: connections stay open, nothing answers. */
  pause(): void {
    this.child?.kill('SIGSTOP');
  }

  resume(): void {
    this.child?.kill('SIGCONT');
  }

  /**
   * Moves its wall clock by so much, at once and on top of earlier steps; its monotonic clock goes on. Like that
   * of a machine it stays where it is over a restart of the server.
   */
  stepClock(ms: number): void {
    if (!this.clock) throw new Error(`start the server on port ${this.port} with canStepClock`);
    this.clock.step(ms);
  }

  /** Crashes it, resolved when the process is gone. */
  async kill(): Promise<void> {
    const { child } = this;
    if (!child || !this.running) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }

  /**
   * Crashes it if it runs, and starts it again on the same port: empty, unless its own `args` have it keep its data.
   *
   * @param more arguments for this time
   */
  async restart(more: string[] = []): Promise<void> {
    await this.kill();
    await this.launch(more);
  }

  /** Ends the process and disconnects the clients; harmless when repeated. */
  async stop(): Promise<void> {
    for (const client of this.clients) client.disconnect();
    this.clients.clear();
    await this.kill();
    rmSync(this.directory, { recursive: true, force: true });
  }

  private async launch(more: string[] = []): Promise<void> {
    const { args = [], sentinelConfig, canStepClock } = this.options;
    if (canStepClock) this.clock ??= await ClockShim.create(this.directory);
    const child = spawn(
      process.env.REDIS_SERVER ?? 'redis-server',
      [
        ...(sentinelConfig
          ? [this.sentinelFile, '--sentinel']
          : ['--save', '', '--appendonly', 'no']),
        '--port',
        String(this.port),
        '--bind',
        HOST,
        '--dir',
        this.directory,
        ...args,
        ...more,
      ],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
        env: { ...process.env, ...this.clock?.prepare() },
      },
    );
    this.child = child;
    let log = '';
    child.stdout.on('data', (chunk: Buffer) => (log = (log + chunk.toString()).slice(-2000)));
    let failure: Error | undefined;
    child.once('error', (error) => (failure = error));
    dieTogether(child, this.directory);

    let answering: number | undefined;
    await until(
      async () => !!failure || !this.running || !!(answering = await answeringPid(this.port)),
      { what: `the server on port ${this.port} answers`, timeoutMs: 10_000 },
    );
    if (failure) {
      throw new Error(`${failure.message}: run the tests through scripts/with-redis.mjs`);
    }
    if (!this.running || answering !== child.pid) {
      throw new StartError(`the server on port ${this.port} did not start:\n${log}`);
    }
    this.clock?.assertInUse();
  }
}
