import type { FenceSql } from './raise-fence.js';
import type { SqlDialect } from './sql-statement.js';
import { lockTable, transactionFlag } from './transaction-proof.js';

/**
 * The statements of the guard table.
 *
 * @param table quoted
 */
export function guardSql(table: string, dialect: SqlDialect): FenceSql<string | Buffer> {
  return dialect === 'postgres' ? postgres(table) : mysql(table, dialect);
}

function postgres(table: string): FenceSql<string | Buffer> {
  // The casts give every client's parameters their types. A row that WHERE leaves alone is locked, too.
  const raise = (
    `INSERT INTO ${table} AS guard (resource, fence) VALUES (CAST(? AS text), CAST(? AS bigint)) ` +
    'ON CONFLICT (resource) DO UPDATE SET fence = EXCLUDED.fence, updated_at = now() ' +
    'WHERE guard.fence <= EXCLUDED.fence RETURNING guard.fence AS fence'
  ).split('?');
  const read = `SELECT fence AS fence FROM ${table} WHERE resource = CAST(? AS text)`.split('?');
  return {
    // An index in the collation "C" stays valid when the system's locales change under it.
    migration:
      `CREATE TABLE IF NOT EXISTS ${table} (resource text COLLATE "C" PRIMARY KEY, fence bigint NOT NULL, ` +
      'updated_at timestamptz NOT NULL DEFAULT now())',
    raise: (resource, token) => ({ parts: raise, values: [resource, token] }),
    raiseTells: true,
    inTransaction: lockTable(table),
    read: (resource) => ({ parts: read, values: [resource] }),
  };
}

function mysql(table: string, dialect: SqlDialect): FenceSql<string | Buffer> {
  // Assignments run from left to right: updated_at has to see the fence as it was. VALUES() is deprecated.
  const raise = (
    `INSERT INTO ${table} (resource, fence, updated_at) VALUES (?, CAST(? AS SIGNED), UTC_TIMESTAMP(6)) ` +
    'ON DUPLICATE KEY UPDATE updated_at = IF(fence <= CAST(? AS SIGNED), UTC_TIMESTAMP(6), updated_at), ' +
    'fence = GREATEST(fence, CAST(? AS SIGNED))'
  ).split('?');
  // A locking read: a plain one may be of the snapshot of a REPEATABLE READ, from before the wait.
  const read =
    `SELECT fence AS fence${transactionFlag(dialect)} FROM ${table} WHERE resource = ? FOR UPDATE`.split(
      '?',
    );
  return {
    // Bytes, since the default collations take 'a' and 'A ' for one. InnoDB, since others (MyISAM) have
    // neither transactions nor row locks, and do not say so. A TIMESTAMP would end in 2038. The default is
    // of the session's time zone, and for rows made by hand alone: MySQL 5.7 takes no UTC_TIMESTAMP there.
    migration:
      `CREATE TABLE IF NOT EXISTS ${table} (resource VARBINARY(1024) NOT NULL PRIMARY KEY, fence BIGINT NOT NULL, ` +
      'updated_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6)) ENGINE=InnoDB ROW_FORMAT=DYNAMIC',
    raise: (resource, token) => ({ parts: raise, values: [resource, token, token, token] }),
    raiseTells: false,
    readFlags: dialect === 'mariadb',
    read: (resource) => ({ parts: read, values: [resource] }),
  };
}
