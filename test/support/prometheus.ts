import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { dieTogether } from './die-together.js';
import { freePort } from './free-port.js';
import { until } from './until.js';

const HOST = '127.0.0.1';

/** A file of the folder that the package brings. */
export const monitoringFile = (name: string): string =>
  fileURLToPath(new URL(`../../monitoring/${name}`, import.meta.url));

const binary = (): string => {
  const { PROMETHEUS } = process.env;
  if (PROMETHEUS) return PROMETHEUS;
  throw new Error('PROMETHEUS is not set: run the tests with npm test');
};

/** What promtool, which stands beside Prometheus, says; rejects if it is not content. */
export async function promtool(...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(join(dirname(binary()), 'promtool'), args);
  return stdout;
}

/** One series of an answer: its labels, and its value now. */
export interface Series {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A Prometheus of the test's own, which scrapes one application with the rules of the package. */
export class Prometheus {
  private constructor(
    private readonly process: ChildProcess,
    private readonly url: string,
    private readonly directory: string,
  ) {}

  /** @param target host and port of the application */
  static async start(target: string): Promise<Prometheus> {
    const directory = mkdtempSync(join(tmpdir(), 'nestjs-locker-prometheus-'));
    const config = join(directory, 'prometheus.yml');
    writeFileSync(
      config,
      JSON.stringify({
        // A scrape is given up after its interval: a busy machine needs more than a moment.
        global: { scrape_interval: '1s', evaluation_interval: '500ms' },
        rule_files: [monitoringFile('prometheus-rules.yml')],
        scrape_configs: [{ job_name: 'application', static_configs: [{ targets: [target] }] }],
      }),
    );
    const address = `${HOST}:${await freePort(HOST)}`;
    const child = spawn(
      binary(),
      [
        `--config.file=${config}`,
        `--storage.tsdb.path=${join(directory, 'data')}`,
        `--web.listen-address=${address}`,
        '--log.level=error',
      ],
      { stdio: 'ignore' },
    );
    dieTogether(child, directory);
    const prometheus = new Prometheus(child, `http://${address}`, directory);
    const isReady = async (): Promise<boolean> => {
      if (child.exitCode !== null) throw new Error(`Prometheus ended with ${child.exitCode}`);
      return (await fetch(`http://${address}/-/ready`).catch(() => undefined))?.ok ?? false;
    };
    await until(isReady, { what: 'Prometheus is ready', timeoutMs: 20_000, intervalMs: 50 });
    return prometheus;
  }

  /** What an expression is at this moment. */
  async query(expression: string): Promise<Series[]> {
    const body = new URLSearchParams({ query: expression });
    const answer = await fetch(`${this.url}/api/v1/query`, { method: 'POST', body });
    const { data, error } = (await answer.json()) as {
      data?: { result: { metric: Record<string, string>; value: [number, string] }[] };
      error?: string;
    };
    if (!data) throw new Error(`${expression}: ${error}`);
    return data.result.map(({ metric, value: [, value] }) => ({ metric, value: Number(value) }));
  }

  /** The names of the alerts that fire. */
  async alerts(): Promise<string[]> {
    const firing = await this.query('ALERTS{alertstate="firing"}');
    return [...new Set(firing.map(({ metric }) => metric['alertname']!))].sort();
  }

  async stop(): Promise<void> {
    if (this.process.exitCode === null && this.process.signalCode === null) {
      const ended = once(this.process, 'exit');
      this.process.kill('SIGKILL');
      await ended;
    }
    rmSync(this.directory, { recursive: true, force: true });
  }
}
