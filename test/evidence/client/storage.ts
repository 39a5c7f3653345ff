import { StaleFencingTokenError } from 'nestjs-locker';
import { FenceGuard } from 'nestjs-locker/fencing';
import { type Pool, type PoolClient, postgresPool } from '../../sql/support/postgres-pool.js';
import type { WriteResult } from '../history/entry.js';

const guard = new FenceGuard({ dialect: 'postgres' });

const READ = 'SELECT value FROM counter WHERE name = $1 AND is_guarded = $2';
// The write and the note of it in one statement: what is counted is what was done.
const WRITE = `
  WITH noted AS (INSERT INTO written (name, is_guarded, token) VALUES ($1, $2, $4))
  UPDATE counter SET value = $3 WHERE name = $1 AND is_guarded = $2`;

/** The two counters of each name, as a client works on them: read, wait, write what was read plus one. */
export class Storage {
  private readonly pool: Pool;

  constructor(url: string, connections: number) {
    this.pool = postgresPool(url, connections);
  }

  async readUnguarded(name: string): Promise<number> {
    return readCounter(this.pool, name, false);
  }

  /** Compares nothing: whoever comes last has written. */
  async writeUnguarded(name: string, value: number): Promise<WriteResult> {
    try {
      await this.pool.query(WRITE, [name, false, value, null]);
      return 'done';
    } catch {
      return 'failed';
    }
  }

  /** Shows the token before it reads, so that from here on no older holder gets in. */
  async readGuarded(name: string, token: number): Promise<number | WriteResult> {
    return this.fenced(name, token, (tx) => readCounter(tx, name, true));
  }

  async writeGuarded(name: string, value: number, token: number): Promise<WriteResult> {
    return this.fenced(name, token, async (tx) => {
      await tx.query(WRITE, [name, true, value, token]);
      return 'done' as const;
    });
  }

  close(): Promise<void> {
    return this.pool.end();
  }

  /** In a transaction behind the guard, which is shown the token whether or not the lock is still held. */
  private async fenced<T>(
    name: string,
    token: number,
    work: (tx: PoolClient) => Promise<T>,
  ): Promise<T | 'stale' | 'failed'> {
    let tx: PoolClient | undefined;
    try {
      tx = await this.pool.connect();
      await tx.query('BEGIN');
      await guard.assertFence(tx, name, token);
      const result = await work(tx);
      await tx.query('COMMIT');
      tx.release();
      return result;
    } catch (error) {
      await tx?.query('ROLLBACK').catch(() => undefined);
      tx?.release(true);
      return error instanceof StaleFencingTokenError ? 'stale' : 'failed';
    }
  }
}

async function readCounter(from: Pool | PoolClient, name: string, isGuarded: boolean) {
  const { rows } = await from.query<{ value: number }>(READ, [name, isGuarded]);
  return rows[0]!.value;
}
