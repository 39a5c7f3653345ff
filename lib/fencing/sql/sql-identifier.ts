import { describeValue } from '../../core/describe-value.js';
import { LockOptionsError } from '../../lock.errors.js';
import type { SqlDialect } from './sql-statement.js';

const QUOTES: Record<SqlDialect, string> = { postgres: '"', mysql: '`', mariadb: '`' };

// PostgreSQL cuts longer ones with no more than a notice: two tables would be one.
const MAX_LENGTH = 63;

/** @throws LockOptionsError unless it is one whose SQL is known here */
export function checkDialect(dialect: unknown): SqlDialect {
  if (Object.keys(QUOTES).includes(dialect as string)) return dialect as SqlDialect;
  throw new LockOptionsError(
    `The dialect is ${describeValue(dialect)}; write 'postgres', 'mysql' or 'mariadb'.`,
  );
}

/**
 * Quotes a column's name.
 *
 * @throws LockOptionsError if it has anything but ASCII letters, digits and underscores
 * @example
 * quoteColumn('invoiceId', 'postgres'); // '"invoiceId"'
 */
export function quoteColumn(column: unknown, dialect: SqlDialect): string {
  if (!isName(column)) throw refusal('column', column, `'fence'`);
  return quote(column, dialect);
}

/**
 * Quotes a table's name, or a schema's and a table's.
 *
 * @throws LockOptionsError if it has anything but ASCII letters, digits and underscores, and one dot
 * @example
 * quoteTable('billing.invoice', 'mysql'); // '`billing`.`invoice`'
 */
export function quoteTable(table: unknown, dialect: SqlDialect): string {
  const names = typeof table === 'string' ? table.split('.') : [];
  if (names.length === 0 || names.length > 2 || !names.every(isName)) {
    throw refusal('table', table, `'invoice' or 'billing.invoice'`);
  }
  return names.map((name) => quote(name, dialect)).join('.');
}

function isName(name: unknown): name is string {
  return typeof name === 'string' && /^\w+$/.test(name) && name.length <= MAX_LENGTH;
}

function quote(name: string, dialect: SqlDialect): string {
  return `${QUOTES[dialect]}${name}${QUOTES[dialect]}`;
}

function refusal(what: string, value: unknown, instead: string): LockOptionsError {
  return new LockOptionsError(
    `The ${what} ${describeValue(value)} is no name that can be quoted; write it as the database has it, such as ` +
      `${instead}: ASCII letters, digits and underscores, up to ${MAX_LENGTH} of them.`,
  );
}
