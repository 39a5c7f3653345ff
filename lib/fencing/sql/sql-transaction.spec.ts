import { describe, expect, it } from '@jest/globals';
import { LockOptionsError } from '../../lock.errors.js';
import { sql } from '../../../test/support/sql.js';
import type { SqlDialect } from './sql-statement.js';
import { runnerOf, type SqlTransaction } from './sql-transaction.js';

const refusalOf = (tx: unknown, dialect: SqlDialect): string => {
  try {
    runnerOf(tx as SqlTransaction, dialect);
  } catch (error) {
    if (error instanceof LockOptionsError) return error.message;
    throw error;
  }
  return 'taken';
};

// The clients themselves are in test/sql/clients-*.spec.ts.
describe('whose transaction it is', () => {
  const query = async () => [];
  const pg = { query, getTransactionStatus: () => 'T' };
  const mysql = { query, beginTransaction: query };

  it('has to go with the dialect', () => {
    expect(refusalOf(pg, 'postgres')).toBe('taken');
    expect(refusalOf(pg, 'mysql')).toBe(
      'The guard speaks "mysql", and this is a transaction of pg: set dialect to "postgres".',
    );
    expect(refusalOf(mysql, 'mysql')).toBe('taken');
    expect(refusalOf(mysql, 'mariadb')).toBe('taken');
    expect(refusalOf(mysql, 'postgres')).toMatch(/set dialect to "mysql" or "mariadb"/);
  });

  it('has to be known, and the message tells who is', () => {
    for (const tx of [undefined, null, 'tx', 7, {}, { send: query }, { query: {} }]) {
      expect(refusalOf(tx, 'postgres')).toMatch(/is none that is known\. Pass one of pg, PGlite, /);
    }
  });

  it('is told by an older pg as by newer ones, but for its state', () => {
    expect(refusalOf({ query, connect: query }, 'postgres')).toBe('taken');
    expect(refusalOf({ ...pg, getTransactionStatus: () => 'I' }, 'postgres')).toMatch(/BEGIN/);
    expect(refusalOf({ ...pg, getTransactionStatus: () => null }, 'postgres')).toMatch(/BEGIN/);
    // The server's own error says more.
    expect(refusalOf({ ...pg, getTransactionStatus: () => 'E' }, 'postgres')).toBe('taken');
  });

  it.each<[string, object]>([
    ['what has transaction()', { query, transaction: query }],
    ['fastify.pg, by its transact()', { query, transact: query, connect: query }],
    ['the db of pg-promise', { query, tx: query, task: query }],
    ['a task of pg-promise', { query, tx: query, task: query, ctx: { inTransaction: false } }],
    ['an older neon(), a function', Object.assign(async () => [], { transaction: query })],
  ])('is refused of %s', (_what, tx) => {
    expect(refusalOf(tx, 'postgres')).toMatch(/what begins transactions is none: pass the tran/);
  });

  it('may be that of pg-promise, which begins further ones', () => {
    const t = { query, tx: query, task: query, ctx: { inTransaction: true } };
    expect(refusalOf(t, 'postgres')).toBe('taken');
  });

  it('runs by a function, whose errors come out as they are', async () => {
    const error = new Error('no such table');
    const { run } = runnerOf(async (text, values) => {
      if (values.length === 0) throw error;
      return [{ text, values }];
    }, 'postgres');
    expect(await run(sql`SELECT ${1}`)).toEqual([{ text: 'SELECT $1', values: [1] }]);
    await expect(run(sql`SELECT`)).rejects.toBe(error);
  });

  it('fails as a promise when the client throws at once', async () => {
    const { run } = runnerOf(() => {
      throw new Error('closed');
    }, 'postgres');
    await expect(run(sql`SELECT`)).rejects.toThrow('closed');
  });
});
