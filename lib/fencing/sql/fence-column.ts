import { FencedRowMissingError } from '../../lock.errors.js';
import { type FencedBy, fencingTokenOf } from '../fencing-token.js';
import { columnSql } from './column-sql.js';
import { checkRowKey } from './fenced-resource.js';
import { type FenceSql, raiseFence } from './raise-fence.js';
import { checkDialect, quoteColumn, quoteTable } from './sql-identifier.js';
import type { SqlDialect, SqlValue } from './sql-statement.js';
import { runnerOf, type SqlTransaction } from './sql-transaction.js';

/**
 * Which column of which table holds the fences, and in whose SQL.
 *
 * @example
 * const options: FenceColumnOptions = { dialect: 'postgres', table: 'invoice', key: 'number' };
 */
export interface FenceColumnOptions {
  readonly dialect: SqlDialect;
  /** The table that is written to, as the database has it, or `schema.table`. On MySQL it must be of InnoDB. */
  readonly table: string;
  /** The column that tells the rows apart; it must be unique. Default: `'id'`. */
  readonly key?: string;
  /** The column of the newest fencing token, a bigint that is never NULL. Default: `'fence'`. */
  readonly fence?: string;
}

/**
 * A column with the newest fencing token, in the very row that is written to: it refuses a holder whose
 * lock has passed on to somebody else.
 *
 * It fits writes to one row that is there, and what hangs on it; for others, see `FenceGuard`. A single
 * UPDATE can do without a transaction: see `assertFenced`. Row locks are of one node: with several writers
 * (Galera, Group Replication), fence on one of them.
 *
 * @example
 * const fences = new FenceColumn({ dialect: 'postgres', table: 'invoice' }); // fences.migration adds the column
 *
 * await locks.withLock(`invoice:${id}`, (lock) =>
 *   dataSource.transaction(async (tx) => {
 *     await fences.assertFence(tx, id, lock);
 *     await tx.update(Invoice, id, { status: 'issued' });
 *   }),
 * );
 * @see https://martin.kleppmann.com/2016/02/08/how-to-do-distributed-locking.html
 */
export class FenceColumn {
  /** The statement that adds the column. It may be repeated, but on MySQL, which has no IF NOT EXISTS for it. */
  readonly migration: string;

  private readonly dialect: SqlDialect;
  private readonly table: string;
  private readonly sql: FenceSql<SqlValue>;

  /** @throws LockOptionsError if the dialect is not known or a name cannot be quoted */
  constructor(options: FenceColumnOptions) {
    const dialect = checkDialect(options?.dialect);
    const { table, key = 'id', fence = 'fence' } = options;
    const names = {
      table: quoteTable(table, dialect),
      key: quoteColumn(key, dialect),
      fence: quoteColumn(fence, dialect),
    };
    this.dialect = dialect;
    this.table = table;
    this.sql = columnSql(names, dialect);
    this.migration = this.sql.migration;
  }

  /**
   * Makes sure that no newer holder has written to the row, and that none does before this transaction
   * ends: the row is locked from here on.
   *
   * It must be the **first statement of the transaction that writes**. Read what the write rests on after
   * it: what was read before, in the transaction or outside, an older holder may still be changing. On
   * its own, outside of a transaction, it guards nothing; nor does it after ROLLBACK TO a savepoint from
   * before it.
   *
   * @param tx the transaction as the client has it
   * @param key of the row. Errors call it `table:key`; of a lock with several names that must be one of
   *   them, or pass `lock.fencingTokens.get(name)`
   * @param by the lock, or its token where only that has arrived
   * @throws StaleFencingTokenError if a newer holder has; roll back, and do not repeat it
   * @throws FencedRowMissingError if there is no such row
   * @throws LockLostError, LockReleasedError if the lock is not held; then nothing is sent
   * @throws LockKeyError if the key is none
   * @throws LockOptionsError if the token is none, no transaction is open, or the client's answer does not tell
   * @throws the client's own errors as they are. Of a serialisation failure, a deadlock or a lock wait
   *   timeout (SQLSTATE 40001, 40P01, 55P03; MySQL 1205, 1213; MariaDB also 1020), repeat the whole transaction.
   * @example
   * await fences.assertFence(tx, invoice.id, lock);
   */
  async assertFence(
    tx: SqlTransaction,
    key: string | number | bigint,
    by: FencedBy,
  ): Promise<void> {
    const value = checkRowKey(key, this.dialect);
    const resource = `${this.table}:${value}`;
    const token = fencingTokenOf(by, resource);
    const row = { table: this.table, resource, token };
    if (await raiseFence(runnerOf(tx, this.dialect), this.sql, value, row)) return;
    throw new FencedRowMissingError(this.table, key);
  }
}
