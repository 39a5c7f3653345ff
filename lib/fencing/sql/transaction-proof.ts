import type { SqlDialect, SqlStatement } from './sql-statement.js';

/**
 * What a SELECT has to give beside the fence, so that a statement outside of a transaction is noticed.
 * MariaDB alone can tell without another round trip. The name is one word, which no client camel-cases.
 */
export function transactionFlag(dialect: SqlDialect): string {
  return dialect === 'mariadb' ? ', @@in_transaction AS active' : '';
}

/**
 * A statement that PostgreSQL runs in a transaction block only, and else fails with SQLSTATE 25P01. Raising
 * a fence takes the same lock, which keeps no other writer out; nothing is read, so no snapshot is taken.
 *
 * @param table quoted
 * @see https://www.postgresql.org/docs/current/sql-lock.html
 */
export function lockTable(table: string): SqlStatement {
  // ONLY: the lock is no use on the partitions, and there may be many.
  return { parts: [`LOCK TABLE ONLY ${table} IN ROW EXCLUSIVE MODE`], values: [] };
}
