/**
 * Whose SQL is spoken.
 *
 * @example
 * const dialect: SqlDialect = 'postgres';
 */
export type SqlDialect = 'postgres' | 'mysql' | 'mariadb';

/** Some drivers know bytes as a Buffer only. */
export type SqlValue = string | number | bigint | Buffer;

/** One statement in parts, as a tagged template has it: a value stands between each two. */
export interface SqlStatement {
  readonly parts: readonly string[];
  readonly values: readonly SqlValue[];
}

export type SqlRow = Readonly<Record<string, unknown>>;

/** Runs a statement in the caller's transaction, and gives the rows of a SELECT or a RETURNING. */
export type RunStatement = (statement: SqlStatement) => Promise<readonly SqlRow[]>;

/** The caller's transaction. */
export interface SqlRunner {
  readonly run: RunStatement;
  /** Whether the client would have told if it were none; else the server has to be asked. */
  readonly tells: boolean;
}
