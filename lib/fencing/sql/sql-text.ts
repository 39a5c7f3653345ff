import { describeValue } from '../../core/describe-value.js';
import { LockOptionsError } from '../../lock.errors.js';
import type { SqlDialect, SqlStatement, SqlValue } from './sql-statement.js';

/** A statement as drivers take it: the text with placeholders, and what they stand for. */
export interface BoundSql {
  readonly text: string;
  readonly values: SqlValue[];
}

/** With the placeholders of the server's own driver: `$1` for PostgreSQL, `?` for the others. */
export function bound(statement: SqlStatement, dialect: SqlDialect): BoundSql {
  return dialect === 'postgres' ? numbered(statement) : questionMarks(statement);
}

function numbered({ parts, values }: SqlStatement): BoundSql {
  const text = parts.reduce((before, part, index) => `${before}$${index}${part}`);
  return { text, values: [...values] };
}

/** With `?`. The parts have none of their own: names in them are plain words. */
export function questionMarks({ parts, values }: SqlStatement): BoundSql {
  return { text: parts.join('?'), values: [...values] };
}

/**
 * With the values in the text, for clients that take no parameters without a class of their own.
 *
 * Nothing of a value gets into the text but hexadecimal and decimal digits, so there is nothing to escape
 * and nothing that a setting of the server could read in another way.
 */
export function inlined({ parts, values }: SqlStatement, dialect: SqlDialect): string {
  const write = dialect === 'postgres' ? postgresLiteral : mysqlLiteral;
  return parts.reduce((before, part, index) => before + write(values[index - 1]!) + part);
}

/** Literals of no type, as parameters are, so that they fit a uuid as well as a text or a bigint. */
function postgresLiteral(value: SqlValue): string {
  if (typeof value === 'string') {
    const escaped = Array.from(value, (character) => {
      return `\\U${character.codePointAt(0)!.toString(16).padStart(8, '0')}`;
    });
    return `E'${escaped.join('')}'`;
  }
  return `'${digits(value)}'`;
}

/** A hexadecimal literal with its character set gives way to the column's collation; CONVERT would not. */
function mysqlLiteral(value: SqlValue): string {
  if (typeof value === 'string') return `_utf8mb4 X'${Buffer.from(value).toString('hex')}'`;
  return Buffer.isBuffer(value) ? `X'${value.toString('hex')}'` : digits(value);
}

function digits(value: SqlValue): string {
  const text = String(value);
  if ((typeof value === 'number' || typeof value === 'bigint') && /^-?\d+$/.test(text)) return text;
  throw new LockOptionsError(
    `${describeValue(value)} cannot be written into a statement; use a text or a whole number.`,
  );
}
