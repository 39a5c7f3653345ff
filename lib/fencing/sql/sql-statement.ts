/**
 * Whose SQL is spoken.
 *
 * @example
 * const dialect: SqlDialect = 'postgres';
 */
export type SqlDialect = 'postgres' | 'mysql' | 'mariadb';

export type SqlValue = string | number | bigint | Uint8Array;

/** One statement in parts, as a tagged template has it: a value stands between each two. */
export interface SqlStatement {
  readonly parts: readonly string[];
  readonly values: readonly SqlValue[];
}

export type SqlRow = Readonly<Record<string, unknown>>;

/** Runs a statement in the caller's transaction, and gives the rows of a SELECT or a RETURNING. */
export type RunStatement = (statement: SqlStatement) => Promise<readonly SqlRow[]>;
