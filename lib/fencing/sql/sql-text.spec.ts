import { describe, expect, it } from '@jest/globals';
import { LockOptionsError } from '../../lock.errors.js';
import { sql } from '../../../test/support/sql.js';
import type { SqlValue } from './sql-statement.js';
import { bound, inlined } from './sql-text.js';

describe('the text of a statement', () => {
  const statement = sql`UPDATE t SET fence = ${7} WHERE id = ${"a'$1?"}`;

  it('has numbered placeholders for PostgreSQL, and question marks for the others', () => {
    const values = [7, "a'$1?"];
    const postgres = { text: 'UPDATE t SET fence = $1 WHERE id = $2', values };
    expect(bound(statement, 'postgres')).toEqual(postgres);
    const others = { text: 'UPDATE t SET fence = ? WHERE id = ?', values };
    expect(bound(statement, 'mysql')).toEqual(others);
    expect(bound(statement, 'mariadb')).toEqual(others);
  });
});

describe('a value in the text', () => {
  const inPostgres = (value: SqlValue) => inlined(sql`(${value})`, 'postgres');
  const inMysql = (value: SqlValue) => inlined(sql`(${value})`, 'mysql');

  it.each([
    ["a'", String.raw`(E'\U00000061\U00000027')`, `(_utf8mb4 X'6127')`],
    ['🦊', String.raw`(E'\U0001f98a')`, `(_utf8mb4 X'f09fa68a')`],
    ['', `(E'')`, `(_utf8mb4 X'')`],
    [1_763_822_045_123_457, `('1763822045123457')`, '(1763822045123457)'],
    [-9_007_199_254_740_993n, `('-9007199254740993')`, '(-9007199254740993)'],
  ])('is written in digits alone: %p', (value, postgres, mysql) => {
    expect(inPostgres(value)).toBe(postgres);
    expect(inMysql(value)).toBe(mysql);
  });

  it('is written in digits when it is bytes, which MySQL alone gets', () => {
    expect(inMysql(Buffer.from([0, 39, 255]))).toBe(`(X'0027ff')`);
    expect(() => inPostgres(Buffer.from([0, 39, 255]))).toThrow(LockOptionsError);
  });

  it.each([NaN, Infinity, 1.5, 1e21, null, { toString: () => '1; DROP TABLE t' }, ['1']])(
    'is refused when it is no text or whole number: %p',
    (value) => {
      expect(() => inPostgres(value as SqlValue)).toThrow(LockOptionsError);
      expect(() => inMysql(value as SqlValue)).toThrow(/cannot be written into a statement/);
    },
  );
});
