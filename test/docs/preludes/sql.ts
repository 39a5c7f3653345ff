import type { PGlite } from '@electric-sql/pglite';
import { FenceGuard, type SqlTransaction } from 'nestjs-locker/fencing';
import { pglite } from '../support/pglite.js';

export const guard = new FenceGuard({ dialect: 'postgres' });

const TABLES = `
  DROP TABLE IF EXISTS account, entry, invoice, journal, fence_guard;
  CREATE TABLE account (id text PRIMARY KEY, balance int NOT NULL);
  CREATE TABLE entry (account text NOT NULL, amount int NOT NULL);
  CREATE TABLE invoice (id text PRIMARY KEY, status text, fence bigint NOT NULL DEFAULT 0);
  CREATE TABLE journal (kind text NOT NULL, invoice text NOT NULL, fencing_token bigint);
  INSERT INTO account VALUES ('7', 500);
  INSERT INTO invoice VALUES ('42', 'open', 0);
`;

/** PostgreSQL in this process, with the tables of the examples as they were. */
export default async function sql() {
  const db = await pglite();
  await db.exec(TABLES);
  await db.exec(guard.migration);
  type Transaction = Parameters<Parameters<PGlite['transaction']>[0]>[0];
  return {
    db,
    guard,
    /** As pg tells how many rows there were. */
    pool: {
      query: async (text: string, values: unknown[]) => {
        const { affectedRows = 0 } = await db.query(text, values);
        return { rowCount: affectedRows };
      },
    },
    readBalance: async (tx: Transaction): Promise<number> => {
      const { rows } = await tx.query<{ balance: number }>('SELECT balance FROM account');
      return rows[0]!.balance;
    },
    writeBalance: (tx: Transaction, balance: number) =>
      tx.query('UPDATE account SET balance = $1', [balance]),
    inTransaction: (work: (tx: Transaction & SqlTransaction) => Promise<void>) =>
      db.transaction(work),
  };
}
