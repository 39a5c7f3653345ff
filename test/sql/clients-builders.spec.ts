import { afterAll, beforeAll } from '@jest/globals';
import { type ExtractTablesWithRelations, sql } from 'drizzle-orm';
import { drizzle as drizzleOnPg, type NodePgTransaction } from 'drizzle-orm/node-postgres';
import {
  drizzle as drizzleOnPostgresJs,
  type PostgresJsTransaction,
} from 'drizzle-orm/postgres-js';
import knex, { type Knex } from 'knex';
import { CamelCasePlugin, CompiledQuery, Kysely, PostgresDialect, type Transaction } from 'kysely';
import pg from 'pg';
import postgres from 'postgres';
import { describeClient, keptAfterItsEnd, OUTSIDE } from './fixtures/describe-client.js';
import { postgresDatabase, type TestDatabase } from './fixtures/test-database.js';
import './support/patience.js';
import { PostgresServer } from './support/postgres-server.js';

let server: PostgresServer;
beforeAll(async () => {
  server = await PostgresServer.start();
});
afterAll(() => server?.stop());
const database = () => postgresDatabase(server);

type NoSchema = Record<string, never>;
type NoTables = ExtractTablesWithRelations<NoSchema>;

describeClient(
  'Knex',
  database,
  ({ url }: TestDatabase) => {
    const db = knex({ client: 'pg', connection: url });
    return {
      db,
      transaction: (work: (tx: Knex.Transaction) => Promise<void>) => db.transaction(work),
      write: (tx: Knex.Transaction, statement: string) => tx.raw(statement),
      close: () => db.destroy(),
    };
  },
  { 'the instance': [({ db }) => db, /Of Knex, .* pass the trx of knex.transaction/] },
);

describeClient(
  'Kysely',
  database,
  ({ url }: TestDatabase) => {
    const pool = new pg.Pool({ connectionString: url });
    const db = new Kysely<unknown>({
      dialect: new PostgresDialect({ pool }),
      plugins: [new CamelCasePlugin()],
    });
    return {
      db,
      transaction: (work: (tx: Transaction<unknown>) => Promise<void>) =>
        db.transaction().execute(work),
      write: (tx: Transaction<unknown>, statement: string) =>
        tx.executeQuery(CompiledQuery.raw(statement)),
      close: () => db.destroy(),
    };
  },
  { db: [({ db }) => db, /Of Kysely, .* pass the trx of db.transaction\(\).execute/] },
);

describeClient(
  'Drizzle on pg',
  database,
  ({ url }: TestDatabase) => {
    const pool = new pg.Pool({ connectionString: url });
    const db = drizzleOnPg(pool);
    type Tx = NodePgTransaction<NoSchema, NoTables>;
    return {
      db,
      transaction: (work: (tx: Tx) => Promise<void>) => db.transaction(work),
      write: (tx: Tx, statement: string) => tx.execute(sql.raw(statement)),
      close: () => pool.end(),
    };
  },
  {
    db: [({ db }) => db, /Of Drizzle, .* pass the tx of db.transaction/],
    'a tx that has ended': [keptAfterItsEnd, OUTSIDE],
  },
);

describeClient(
  'Drizzle on postgres.js',
  database,
  ({ url }: TestDatabase) => {
    const client = postgres(url, { onnotice: () => {} });
    const db = drizzleOnPostgresJs(client);
    type Tx = PostgresJsTransaction<NoSchema, NoTables>;
    return {
      db,
      transaction: (work: (tx: Tx) => Promise<void>) => db.transaction(work),
      write: (tx: Tx, statement: string) => tx.execute(sql.raw(statement)),
      close: () => client.end(),
    };
  },
  {
    db: [({ db }) => db, /Of Drizzle, .* pass the tx of db.transaction/],
    'a tx that has ended': [keptAfterItsEnd, OUTSIDE],
  },
);
