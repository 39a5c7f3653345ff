import { describeValue } from '../../core/describe-value.js';
import { LockOptionsError } from '../../lock.errors.js';
import type { SqlRow } from './sql-statement.js';

/**
 * The rows in whatever a client answers.
 *
 * - `[row, …]`: postgres.js, Prisma, MikroORM, TypeORM, mariadb
 * - `{ rows }`: pg, PGlite, Kysely, Knex, Drizzle
 * - `[rows, fields]`: mysql2 and what stands on it
 * - `[rows, count]`: TypeORM for an UPDATE on PostgreSQL
 * - `{ affectedRows }`, alone or as `rows`: a write on MySQL or MariaDB, which has no rows
 *
 * @param from the client's name, for the message
 * @throws LockOptionsError if it is anything else: a guard that cannot read the answer must not let pass
 */
export function rowsOf(answer: unknown, from: string): readonly SqlRow[] {
  const result = isPair(answer) ? answer[0] : answer;
  const rows = isObject(result) && 'rows' in result ? result.rows : result;
  if (isWriteHeader(rows)) return rowsOfWrite(rows, from);
  if (Array.isArray(rows) && rows.every(isRow)) return rows;
  throw new LockOptionsError(
    `The answer of ${from} cannot be read: ${shape(answer)} came instead of rows. Pass a transaction or a function ` +
      'that answers an array of objects, { rows }, or [rows, fields].',
  );
}

/** `[rows, fields]`, `[rows, count]` or `[header, undefined]`, and not two rows. */
function isPair(answer: unknown): answer is [unknown, unknown] {
  if (!Array.isArray(answer) || answer.length !== 2) return false;
  return Array.isArray(answer[0]) || (isWriteHeader(answer[0]) && !isRow(answer[1]));
}

interface WriteHeader {
  readonly affectedRows: number | bigint;
  readonly serverStatus?: unknown;
}

function isWriteHeader(value: unknown): value is WriteHeader {
  if (!isRow(value)) return false;
  return ['number', 'bigint'].includes(typeof value.affectedRows) && 'insertId' in value;
}

/** Of the flags that MySQL's protocol sends with every write. */
export const SERVER_STATUS_IN_TRANS = 1;

/** mysql2 keeps no state of the transaction, but passes on what the server says of it with every write. */
function rowsOfWrite({ serverStatus }: WriteHeader, from: string): readonly SqlRow[] {
  if (typeof serverStatus !== 'number' || serverStatus & SERVER_STATUS_IN_TRANS) return [];
  throw new LockOptionsError(
    `The fence ran outside of a transaction, as the server told ${from}, so that it guards nothing: ` +
      'await connection.beginTransaction() before.',
  );
}

function isRow(value: unknown): value is SqlRow {
  return isObject(value) && !Array.isArray(value);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

/** An array's elements tell more than the array. */
function shape(answer: unknown): string {
  return Array.isArray(answer) && answer.length > 0
    ? `an array of ${describeValue(answer[0])}`
    : describeValue(answer);
}
