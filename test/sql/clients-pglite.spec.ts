import { PGlite } from '@electric-sql/pglite';
import { describeClient } from './fixtures/describe-client.js';
import type { TestDatabase } from './fixtures/test-database.js';
import './support/patience.js';

/** There is but one connection, so nobody to look on. */
const openPglite = async () => {
  const db = await PGlite.create();
  return {
    db,
    dialect: 'postgres' as const,
    url: '',
    seesOthers: false,
    run: async (text: string) => (await db.query<Record<string, unknown>>(text)).rows,
    insertKeys: async (keys: readonly unknown[]) => {
      for (const key of keys) await db.query('INSERT INTO keyed (id) VALUES ($1)', [String(key)]);
    },
    close: () => db.close(),
  };
};
type PGliteTransaction = Parameters<Parameters<PGlite['transaction']>[0]>[0];

describeClient(
  'PGlite',
  openPglite,
  ({ db }: { db: PGlite } & TestDatabase) => ({
    db,
    transaction: (work: (tx: PGliteTransaction) => Promise<void>) => db.transaction(work),
    write: (tx: PGliteTransaction, statement: string) => tx.query(statement),
    close: () => {},
  }),
  { 'the database': [({ db }) => db, /Of PGlite, .* pass the tx of db.transaction/] },
);
