import pg from 'pg';
import { until } from '../../support/until.js';

export type Isolation = 'READ COMMITTED' | 'REPEATABLE READ' | 'SERIALIZABLE';

/** What became of something: `'done'`, the SQLSTATE of the server's error, or the name of any other. */
export type Outcome = string;

/** Never rejects, so that it may be left alone while others are at work. */
export function outcomeOf(work: Promise<unknown>): Promise<Outcome> {
  return work.then(
    () => 'done',
    (error: Error & { code?: string }) =>
      error instanceof pg.DatabaseError ? error.code! : error.name,
  );
}

/** One connection of a test, and whether the server lets it wait. */
export class PostgresSession {
  static async open(url: string, monitor: pg.Client): Promise<PostgresSession> {
    const client = new pg.Client(url);
    await client.connect();
    const { rows } = await client.query('SELECT pg_backend_pid() AS pid');
    return new PostgresSession(client, rows[0].pid, monitor);
  }

  private constructor(
    readonly client: pg.Client,
    private readonly pid: number,
    private readonly monitor: pg.Client,
  ) {}

  async begin(isolation: Isolation = 'READ COMMITTED'): Promise<void> {
    await this.client.query(`BEGIN ISOLATION LEVEL ${isolation}`);
  }

  async commit(): Promise<void> {
    const { command } = await this.client.query('COMMIT');
    // That of a transaction that has failed is a ROLLBACK, and no error.
    if (command !== 'COMMIT') throw new Error(`COMMIT was answered with ${command}`);
  }

  async rollback(): Promise<void> {
    await this.client.query('ROLLBACK');
  }

  /** The first row. */
  async row(text: string, ...values: unknown[]): Promise<any> {
    return (await this.client.query(text, values)).rows[0];
  }

  /** Whether another transaction keeps a lock that its present statement needs. */
  async isWaiting(): Promise<boolean> {
    const { rows } = await this.monitor.query(
      'SELECT cardinality(pg_blocking_pids($1)) > 0 AS waits',
      [this.pid],
    );
    return rows[0].waits;
  }

  /** Resolves once it waits for another transaction. */
  async waits(): Promise<void> {
    await until(() => this.isWaiting(), { what: 'the session waits for a lock', intervalMs: 1 });
  }

  async close(): Promise<void> {
    await this.client.end();
  }
}
