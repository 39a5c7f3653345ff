import { describe, expect, it } from '@jest/globals';
import { LockOptionsError } from '../../lock.errors.js';
import { checkDialect, quoteColumn, quoteTable } from './sql-identifier.js';

describe('a table', () => {
  it.each([
    ['invoice', '"invoice"', '`invoice`'],
    ['billing.invoice', '"billing"."invoice"', '`billing`.`invoice`'],
    ['Order', '"Order"', '`Order`'],
    ['select', '"select"', '`select`'],
    ['_2026', '"_2026"', '`_2026`'],
    ['x'.repeat(63), `"${'x'.repeat(63)}"`, `\`${'x'.repeat(63)}\``],
  ])('%s is quoted', (table, postgres, mysql) => {
    expect(quoteTable(table, 'postgres')).toBe(postgres);
    expect(quoteTable(table, 'mysql')).toBe(mysql);
    expect(quoteTable(table, 'mariadb')).toBe(mysql);
  });

  it.each([
    '',
    '.',
    'a.',
    '.a',
    'a.b.c',
    'a b',
    'a"b',
    'a`b',
    'a-b',
    'a?',
    'a$1',
    'a\n',
    'a;',
    'rühren',
    'x'.repeat(64),
    undefined,
    null,
    42,
    ['a'],
  ])('is not %p', (table) => {
    expect(() => quoteTable(table, 'postgres')).toThrow(LockOptionsError);
  });

  it('is asked for with the value and what to write', () => {
    expect(() => quoteTable('my invoices', 'mysql')).toThrow(
      `The table "my invoices" is no name that can be quoted; write it as the database has it, such as 'invoice' or ` +
        `'billing.invoice': ASCII letters, digits and underscores, up to 63 of them.`,
    );
  });
});

describe('a column', () => {
  it('is quoted', () => {
    expect(quoteColumn('invoiceId', 'postgres')).toBe('"invoiceId"');
    expect(quoteColumn('invoiceId', 'mariadb')).toBe('`invoiceId`');
  });

  it.each(['a.b', '', 'a"', 'x'.repeat(64), undefined, 1])('is not %p', (column) => {
    expect(() => quoteColumn(column, 'postgres')).toThrow(LockOptionsError);
  });
});

describe('a dialect', () => {
  it.each(['postgres', 'mysql', 'mariadb'])('may be %s', (dialect) => {
    expect(checkDialect(dialect)).toBe(dialect);
  });

  it.each(['postgresql', 'Postgres', 'toString', '', undefined, null, 1, ['postgres']])(
    'is not %p',
    (dialect) => {
      expect(() => checkDialect(dialect)).toThrow(/write 'postgres', 'mysql' or 'mariadb'\.$/);
    },
  );
});
