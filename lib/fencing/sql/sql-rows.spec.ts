import { describe, expect, it } from '@jest/globals';
import { LockOptionsError } from '../../lock.errors.js';
import { rowsOf } from './sql-rows.js';

const row = { fence: '7' };
const other = { fence: '8' };
const IN_TRANSACTION = 0b11;
const header = { affectedRows: 1, insertId: 0, serverStatus: IN_TRANSACTION };

describe('rows', () => {
  it.each([
    ['an array', [row], [row]],
    ['an array of two rows', [row, other], [row, other]],
    ['an empty array', [], []],
    ['{ rows }', { rows: [row], rowCount: 1 }, [row]],
    ['rows and fields', [[row], [{ name: 'fence' }]], [row]],
    ['no rows and fields', [[], [{ name: 'fence' }]], []],
    ['rows and a count', [[row], 1], [row]],
    ['no rows and a count', [[], 0], []],
    ["mysql2's header", [header, undefined], []],
    ["mysql2's header alone", header, []],
    ["mariadb's header", { affectedRows: 1, insertId: 0n, warningStatus: 0 }, []],
  ])('are found in %s', (_what, answer, rows) => {
    expect(rowsOf(answer, 'a client')).toEqual(rows);
  });

  it.each([
    ['undefined', undefined, 'undefined'],
    ['null', null, 'null'],
    ['a count', 1, '1'],
    ['a text', 'INSERT 0 1', '"INSERT 0 1"'],
    ['an object', { fence: 7 }, '[Object]'],
    ['rows that are none', { rows: 1 }, '[Object]'],
    ['rows as arrays', { rows: [['7']] }, '[Object]'],
    ['an array of arrays', [['7'], ['8'], ['9']], 'an array of [Array]'],
    ['one array in an array', [['7']], 'an array of [Array]'],
    ['two arrays of values', [['7'], ['8']], 'an array of [Array]'],
    ['an array of numbers', [7], 'an array of 7'],
    ['an array with a hole', [row, undefined], 'an array of [Object]'],
    ['a header among others', [1, header], 'an array of 1'],
  ])('are not guessed from %s', (_what, answer, came) => {
    expect(() => rowsOf(answer, 'a client')).toThrow(LockOptionsError);
    expect(() => rowsOf(answer, 'a client')).toThrow(
      `The answer of a client cannot be read: ${came} came instead of rows.`,
    );
  });

  it('are none of a write that the server ran outside of a transaction', () => {
    const AUTOCOMMIT = 0b10;
    const alone = { ...header, serverStatus: AUTOCOMMIT };
    expect(() => rowsOf([alone, undefined], 'mysql2')).toThrow(/outside of a transaction.* mysql2/);
    expect(() => rowsOf(alone, 'mysql2')).toThrow(LockOptionsError);
  });
});
