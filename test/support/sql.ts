import type { SqlStatement, SqlValue } from '../../lib/fencing/sql/sql-statement.js';

/** A statement, as a tagged template. */
export function sql(parts: TemplateStringsArray, ...values: SqlValue[]): SqlStatement {
  return { parts, values };
}
