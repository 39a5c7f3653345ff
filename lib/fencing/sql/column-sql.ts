import type { FenceSql } from './raise-fence.js';
import type { SqlDialect, SqlValue } from './sql-statement.js';
import { lockTable, transactionFlag } from './transaction-proof.js';

/** Quoted names of the user's own table. */
export interface ColumnNames {
  readonly table: string;
  readonly key: string;
  readonly fence: string;
}

/** The statements of a fence column. */
export function columnSql(names: ColumnNames, dialect: SqlDialect): FenceSql<SqlValue> {
  return dialect === 'postgres' ? postgres(names) : mysql(names, dialect);
}

function postgres({ table, key, fence }: ColumnNames): FenceSql<SqlValue> {
  const raise = (
    `UPDATE ${table} SET ${fence} = CAST(? AS bigint) WHERE ${key} = ? AND ${fence} <= CAST(? AS bigint) ` +
    `RETURNING ${fence} AS fence`
  ).split('?');
  const read = `SELECT ${fence} AS fence FROM ${table} WHERE ${key} = ?`.split('?');
  return {
    migration: `ALTER TABLE ${table} ADD COLUMN IF NOT EXISTS ${fence} bigint NOT NULL DEFAULT 0`,
    raise: (value, token) => ({ parts: raise, values: [token, value, token] }),
    raiseTells: true,
    inTransaction: lockTable(table),
    read: (value) => ({ parts: read, values: [value] }),
  };
}

function mysql({ table, key, fence }: ColumnNames, dialect: SqlDialect): FenceSql<SqlValue> {
  // GREATEST instead of a condition, so that the row is locked in any case.
  const raise =
    `UPDATE ${table} SET ${fence} = GREATEST(${fence}, CAST(? AS SIGNED)) WHERE ${key} = ?`.split(
      '?',
    );
  // A locking read: a plain one may be of the snapshot of a REPEATABLE READ, from before the wait.
  const read =
    `SELECT ${fence} AS fence${transactionFlag(dialect)} FROM ${table} WHERE ${key} = ? FOR UPDATE`.split(
      '?',
    );
  const ifNotThere = dialect === 'mariadb' ? 'IF NOT EXISTS ' : '';
  return {
    migration: `ALTER TABLE ${table} ADD COLUMN ${ifNotThere}${fence} BIGINT NOT NULL DEFAULT 0`,
    // As a text: compared with a column of texts, a number would match '42', '042' and '42a'.
    raise: (value, token) => ({ parts: raise, values: [token, String(value)] }),
    raiseTells: false,
    readFlags: dialect === 'mariadb',
    read: (value) => ({ parts: read, values: [String(value)] }),
  };
}
