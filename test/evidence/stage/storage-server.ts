import { FenceGuard } from 'nestjs-locker/fencing';
import { postgresPool } from '../../sql/support/postgres-pool.js';
import { PostgresServer } from '../../sql/support/postgres-server.js';
import type { CounterRecord } from '../checker/storage-account.js';
import { LOCKS } from '../client/plan.js';

const TABLES = [
  'CREATE TABLE counter (name text, is_guarded boolean, value int NOT NULL, PRIMARY KEY (name, is_guarded))',
  'CREATE TABLE written (id bigserial PRIMARY KEY, name text, is_guarded boolean, token bigint)',
  new FenceGuard({ dialect: 'postgres' }).migration,
];

const COUNTERS = `
  SELECT name, is_guarded, value,
    (SELECT count(*)::int FROM written w WHERE w.name = c.name AND w.is_guarded = c.is_guarded) AS writes
  FROM counter c`;

interface Row {
  name: string;
  is_guarded: boolean;
  value: number;
  writes: number;
}

/** The server whose rows the locks protect, the same for all runs; each has a database of its own. */
export class StorageServer {
  static async start(): Promise<StorageServer> {
    // Whoever stands still within a transaction loses it, so that others need not wait for ever.
    const settings = { idle_in_transaction_session_timeout: '500ms', lock_timeout: '2s' };
    return new StorageServer(
      await PostgresServer.start({ settings: { ...settings, max_connections: 100 } }),
    );
  }

  private constructor(private readonly server: PostgresServer) {}

  async createDatabase(): Promise<string> {
    const url = await this.server.createDatabase();
    const pool = postgresPool(url, 1);
    for (const text of TABLES) await pool.query(text);
    const rows =
      'SELECT name, is_guarded, 0 FROM unnest($1::text[]) name, unnest($2::boolean[]) is_guarded';
    await pool.query(`INSERT INTO counter ${rows}`, [LOCKS, [true, false]]);
    await pool.end();
    return url;
  }

  /** What has become of the counters. */
  async readCounters(url: string): Promise<CounterRecord[]> {
    const pool = postgresPool(url, 1);
    const counters = (await pool.query<Row>(COUNTERS)).rows;
    const tokens = await pool.query<{ name: string; token: string }>(
      'SELECT name, token FROM written WHERE is_guarded ORDER BY id',
    );
    await pool.end();
    const find = (name: string, isGuarded: boolean) => {
      const { value, writes } = counters.find(
        (row) => row.name === name && row.is_guarded === isGuarded,
      )!;
      return { value, writes };
    };
    return LOCKS.map((name) => ({
      name,
      guarded: find(name, true),
      unguarded: find(name, false),
      tokens: tokens.rows.filter((row) => row.name === name).map(({ token }) => Number(token)),
    }));
  }

  stop(): Promise<void> {
    return this.server.stop();
  }
}
