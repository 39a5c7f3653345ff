import * as mariadb from 'mariadb';
import * as mysql2 from 'mysql2/promise';
import { until } from '../../support/until.js';

export const ISOLATIONS = ['READ COMMITTED', 'REPEATABLE READ', 'SERIALIZABLE'] as const;
export type Isolation = (typeof ISOLATIONS)[number];

type Rows = Record<string, unknown>[];

/** What the connections of both clients have in common. */
export interface Connection {
  query(text: string, values?: unknown[]): Promise<unknown>;
  beginTransaction(): Promise<void>;
  commit(): Promise<void>;
  rollback(): Promise<void>;
  end(): Promise<void>;
}

export interface Client {
  readonly name: string;
  connect(url: string): Promise<Connection>;
  rows(answer: unknown): Rows;
}

export const CLIENTS: readonly Client[] = [
  {
    name: 'mysql2/promise',
    connect: (url) => mysql2.createConnection(url),
    rows: (answer) => (answer as [Rows])[0],
  },
  {
    name: 'mariadb',
    connect: (url) => mariadb.createConnection(url.replace('mysql:', 'mariadb:')),
    rows: (answer) => answer as Rows,
  },
];

/** What became of something: `'done'`, the number of the server's error, or the name of any other. */
export type Outcome = string | number;

/** Never rejects, so that it may be left alone while others are at work. */
export function outcomeOf(work: Promise<unknown>): Promise<Outcome> {
  return work.then(
    () => 'done',
    (error: Error & { errno?: number }) => error.errno ?? error.name,
  );
}

/** One connection of a test. */
export class MariadbSession {
  static async open(client: Client, url: string): Promise<MariadbSession> {
    return new MariadbSession(client, await client.connect(url));
  }

  private constructor(
    private readonly client: Client,
    readonly connection: Connection,
  ) {}

  async begin(isolation: Isolation): Promise<void> {
    await this.connection.query(`SET TRANSACTION ISOLATION LEVEL ${isolation}`);
    await this.connection.beginTransaction();
  }

  commit(): Promise<void> {
    return this.connection.commit();
  }

  rollback(): Promise<void> {
    return this.connection.rollback();
  }

  async rows(text: string, ...values: unknown[]): Promise<Rows> {
    return this.client.rows(await this.connection.query(text, values));
  }

  /** Resolves once so many transactions of the server wait for others. */
  async waiting(count: number): Promise<void> {
    // innodb_trx is no use here: it is a copy that gets old as long as somebody asks for it.
    const text = `SHOW GLOBAL STATUS LIKE 'Innodb_row_lock_current_waits'`;
    await until(async () => Number((await this.rows(text))[0]?.Value) === count, {
      what: `${count} transactions wait for a lock`,
    });
  }

  async close(): Promise<void> {
    await this.connection.end();
  }
}
