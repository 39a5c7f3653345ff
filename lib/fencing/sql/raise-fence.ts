import { describeValue } from '../../core/describe-value.js';
import { LockOptionsError, StaleFencingTokenError } from '../../lock.errors.js';
import type { RunStatement, SqlRow, SqlStatement, SqlValue } from './sql-statement.js';

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
  run: RunStatement,
  sql: FenceSql<Key>,
  key: Key,
  row: FencedRow,
): Promise<boolean> {
  const { token, resource } = row;
  const answer = await run(sql.raise(key, token));
  if (sql.raiseTells) {
    const raised = fenceIn(answer, row);
    if (raised === token) return true;
    if (raised !== undefined) throw unclear(row, `raised to ${raised}`);
  }
  const stored = fenceIn(await run(sql.read(key)), row);
  if (stored === undefined) return false;
  if (stored > token) throw new StaleFencingTokenError(resource, token, stored);
  if (stored === token && !sql.raiseTells) return true;
  throw unclear(row, `at ${stored}, and was not raised`);
}

function fenceIn(rows: readonly SqlRow[], row: FencedRow): number | undefined {
  if (!Array.isArray(rows)) throw unreadable(row, rows);
  if (rows.length === 0) return undefined;
  if (rows.length > 1) {
    throw new LockOptionsError(
      `${rows.length} rows of "${row.table}" are "${row.resource}"; a fence stands in one: name a column that is unique.`,
    );
  }
  const [{ fence, in_transaction: inTransaction }] = rows as [SqlRow];
  if (String(inTransaction) === '0') {
    throw new LockOptionsError(
      `The fence of "${row.resource}" was asserted outside of a transaction, where it guards nothing; pass the ` +
        'transaction that writes, not the pool or the data source.',
    );
  }
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

function unreadable({ table, resource }: FencedRow, answer: unknown): LockOptionsError {
  const keys =
    typeof answer === 'object' && answer ? `, with the keys ${Object.keys(answer).join(', ')}` : '';
  return new LockOptionsError(
    `The fence of "${resource}" in "${table}" came back as ${describeValue(answer)}${keys}; the client must give ` +
      'rows as objects, with a whole number as "fence".',
  );
}

function unclear({ table, resource, token }: FencedRow, found: string): LockOptionsError {
  return new LockOptionsError(
    `Whether the token ${token} may write to "${resource}" is not clear: its fence in "${table}" is ${found}. ` +
      'The client must run both statements in one transaction and give the rows of RETURNING, and no trigger or ' +
      'rule may change them.',
  );
}
