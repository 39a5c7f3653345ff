import { LockOptionsError } from '../../lock.errors.js';
import { type FencedBy, fencingTokenOf } from '../fencing-token.js';
import { checkResource } from './fenced-resource.js';
import { guardSql } from './guard-sql.js';
import { type FenceSql, raiseFence } from './raise-fence.js';
import { checkDialect, quoteTable } from './sql-identifier.js';
import type { SqlDialect } from './sql-statement.js';
import { runnerOf, type SqlTransaction } from './sql-transaction.js';

/**
 * Where the fences stand, and in whose SQL.
 *
 * @example
 * const options: FenceGuardOptions = { dialect: 'mariadb', table: 'billing.fence_guard' };
 */
export interface FenceGuardOptions {
  readonly dialect: SqlDialect;
  /** The guard table, as the database has it, or `schema.table`. Default: `'fence_guard'`. */
  readonly table?: string;
}

/**
 * A table of the newest fencing token of every resource, in the database that is written to: it refuses
 * a holder whose lock has passed on to somebody else.
 *
 * It fits writes to several tables, or to rows that are not there yet; for one row, see `FenceColumn`.
 * The rows may be deleted when no holder that old can still be at work, by `updated_at`. Row locks are of one
 * node: with several writers (Galera, Group Replication), fence on one of them.
 *
 * @example
 * const guard = new FenceGuard({ dialect: 'postgres' }); // guard.migration makes the table
 *
 * await locks.withLock('invoice:42', (lock) =>
 *   dataSource.transaction(async (tx) => {
 *     await guard.assertFence(tx, 'invoice:42', lock);
 *     await tx.save(invoice);
 *   }),
 * );
 * @see https://martin.kleppmann.com/2016/02/08/how-to-do-distributed-locking.html
 */
export class FenceGuard {
  /** The statement that makes the guard table; it may be repeated. */
  readonly migration: string;

  private readonly dialect: SqlDialect;
  private readonly table: string;
  private readonly sql: FenceSql<string | Buffer>;

  /** @throws LockOptionsError if the dialect is not known or the table's name cannot be quoted */
  constructor(options: FenceGuardOptions) {
    this.dialect = checkDialect(options?.dialect);
    this.table = options.table ?? 'fence_guard';
    this.sql = guardSql(quoteTable(this.table, this.dialect), this.dialect);
    this.migration = this.sql.migration;
  }

  /**
   * Makes sure that no newer holder has written to the resource, and that none does before this
   * transaction ends: it waits for the commit of an older one that is at work, and newer ones wait for
   * this.
   *
   * It must be the **first statement of the transaction that writes**. Read what the write rests on after
   * it: what was read before, in the transaction or outside, an older holder may still be changing. On
   * its own, outside of a transaction, it guards nothing; nor does it after ROLLBACK TO a savepoint from
   * before it.
   *
   * @param tx the transaction as the client has it
   * @param resource what is written to, 1 to 1,024 bytes of UTF-8, compared exactly; as a rule the lock's name
   * @param by the lock, or its token where only that has arrived
   * @throws StaleFencingTokenError if a newer holder has; roll back, and do not repeat it
   * @throws LockLostError, LockReleasedError if the lock is not held; then nothing is sent
   * @throws LockKeyError if the resource is none
   * @throws LockOptionsError if the token is none, no transaction is open, or the client's answer does not tell
   * @throws the client's own errors as they are. Of a serialisation failure, a deadlock or a lock wait
   *   timeout (SQLSTATE 40001, 40P01, 55P03; MySQL 1205, 1213; MariaDB also 1020), repeat the whole transaction.
   * @example
   * await guard.assertFence(tx, 'invoice:42', lock);
   */
  async assertFence(tx: SqlTransaction, resource: string, by: FencedBy): Promise<void> {
    const name = checkResource(resource, this.dialect);
    const token = fencingTokenOf(by, name);
    // As bytes, so that the character set of a MySQL connection has no say.
    const key = this.dialect === 'postgres' ? name : Buffer.from(name);
    const row = { table: this.table, resource: name, token };
    if (await raiseFence(runnerOf(tx, this.dialect), this.sql, key, row)) return;
    throw new LockOptionsError(
      `"${name}" has no row in "${this.table}" although one was just written: the client must run both statements ` +
        'in one transaction and give their rows.',
    );
  }
}
