import type { SqlDialect } from './sql-statement.js';

/**
 * What a SELECT has to give beside the fence, so that a statement outside of a transaction is noticed.
 * MariaDB alone can tell without another round trip.
 */
export function transactionFlag(dialect: SqlDialect): string {
  return dialect === 'mariadb' ? ', @@in_transaction AS in_transaction' : '';
}
