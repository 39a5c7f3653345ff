import { describeValue } from '../../core/describe-value.js';
import { LockOptionsError, StaleFencingTokenError } from '../../lock.errors.js';
import type { SqlRow, SqlRunner, SqlStatement, SqlValue } from './sql-statement.js';
import { rejection } from '../rejection.js';

const NO_TRANSACTION = '25P01';
const IN_TRANSACTION = ', and 1 as "active" while it is in a transaction';

/** How fences of one table are raised and read. */
export interface FenceSql<Key extends SqlValue> {
  /** Makes the table or the column. */
  readonly migration: string;
  /** Raises a fence unless it stands higher. Its row then stays locked until the transaction ends. */
  raise(key: Key, token: number): SqlStatement;
  /** Whether that gives the raised fence, or no row where it was not raised; else only `read` tells. */
  readonly raiseTells: boolean;
  /** Gives what a fence stands at, never less than what made `raise` refuse. */
  read(key: Key): SqlStatement;
  /** Whether that gives `active` beside it: 1 in a transaction, or 0. */
  readonly readFlags?: boolean;
  /** Fails with SQLSTATE 25P01 outside of a transaction; for clients that do not tell. */
  readonly inTransaction?: SqlStatement;
}

/** What is raised, as errors name it. */
export interface FencedRow {
  readonly table: string;
  readonly resource: string;
  readonly token: number;
}

/**
 * Raises a stored fence, and is content only when told that it stands at exactly the token: any other
 * answer, and none, is an error.
 *
 * @returns `false` if there is no such row
 * @throws StaleFencingTokenError if it stands higher
 * @throws LockOptionsError if the answer does not tell, or the statements ran outside of a transaction
 */
export async function raiseFence<Key extends SqlValue>(
  { run, tells }: SqlRunner,
  sql: FenceSql<Key>,
  key: Key,
  row: FencedRow,
): Promise<boolean> {
  const { token, resource } = row;
  if (sql.inTransaction && !tells) await proveTransaction(run(sql.inTransaction), row);
  const answer = await run(sql.raise(key, token));
  if (sql.raiseTells) {
    const raised = fenceIn(answer, row);
    if (raised === token) return true;
    if (raised !== undefined) throw unclear(row, `raised to ${raised}`);
  }
  const stored = fenceIn(await run(sql.read(key)), row, sql.readFlags);
  if (stored === undefined) return false;
  if (stored > token) throw rejection('sql', new StaleFencingTokenError(resource, token, stored));
  if (stored === token && !sql.raiseTells) return true;
  throw unclear(row, `at ${stored}, and was not raised`);
}

async function proveTransaction(proof: Promise<unknown>, row: FencedRow): Promise<void> {
  try {
    await proof;
  } catch (error) {
    throw sqlStates(error).includes(NO_TRANSACTION) ? outside(row, { cause: error }) : error;
  }
}

/** Of the driver's error, which Drizzle wraps as `cause` and Sequelize as `original`. */
function sqlStates(error: unknown): unknown[] {
  const { cause, original } = (error ?? {}) as { cause?: unknown; original?: unknown };
  return [error, cause, original].map((each) => (each as { code?: unknown } | undefined)?.code);
}

function fenceIn(rows: readonly SqlRow[], row: FencedRow, flagged = false): number | undefined {
  if (!Array.isArray(rows)) throw unreadable(row, rows);
  if (rows.length === 0) return undefined;
  if (rows.length > 1) {
    throw new LockOptionsError(
      `${rows.length} rows of "${row.table}" are "${row.resource}"; a fence stands in one: name a column that is unique.`,
    );
  }
  const [{ fence, active }] = rows as [SqlRow];
  if (flagged && String(active) === '0') throw outside(row);
  if (flagged && String(active) !== '1') throw unreadable(row, rows[0], IN_TRANSACTION);
  if (fence === null) {
    throw new LockOptionsError(
      `The fence of "${row.resource}" is NULL, which no token is compared with; make its column NOT NULL DEFAULT 0.`,
    );
  }
  const value = toNumber(fence);
  if (value === undefined) throw unreadable(row, rows[0]);
  return value;
}

/** Clients give a bigint as any of these; texts would compare '9' above '10'. */
function toNumber(fence: unknown): number | undefined {
  const isWhole =
    typeof fence === 'bigint' ||
    Number.isInteger(fence) ||
    (typeof fence === 'string' && /^-?\d+$/.test(fence));
  return isWhole ? Number(fence) : undefined;
}

function outside({ resource }: FencedRow, options?: ErrorOptions): LockOptionsError {
  return new LockOptionsError(
    `The fence of "${resource}" was asserted outside of a transaction, where it guards nothing; pass the ` +
      'transaction that writes while it is open, not the pool or the data source.',
    options,
  );
}

function unreadable({ table, resource }: FencedRow, answer: unknown, also = ''): LockOptionsError {
  const keys =
    typeof answer === 'object' && answer ? `, with the keys ${Object.keys(answer).join(', ')}` : '';
  return new LockOptionsError(
    `The fence of "${resource}" in "${table}" came back as ${describeValue(answer)}${keys}; the client must give ` +
      `rows as objects, with a whole number as "fence"${also}.`,
  );
}

function unclear({ table, resource, token }: FencedRow, found: string): LockOptionsError {
  return new LockOptionsError(
    `Whether the token ${token} may write to "${resource}" is not clear: its fence in "${table}" is ${found}. ` +
      'The client must run both statements in one transaction and give the rows of RETURNING, and no trigger or ' +
      'rule may change them.',
  );
}
