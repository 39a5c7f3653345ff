import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { type ExtractTablesWithRelations, sql } from 'drizzle-orm';
import { drizzle, type MySql2Transaction } from 'drizzle-orm/mysql2';
import knex, { type Knex } from 'knex';
import { CamelCasePlugin, CompiledQuery, Kysely, MysqlDialect, type Transaction } from 'kysely';
import * as mariadb from 'mariadb';
import * as callbackMysql from 'mysql2';
import * as mysql from 'mysql2/promise';
import { DataSource, type EntityManager } from 'typeorm';
import { FenceGuard } from '../../lib/fencing/sql/fence-guard.js';
import type { QueryTransaction } from '../../lib/fencing/sql/sql-clients/drivers.js';
import type { SqlDialect } from '../../lib/fencing/sql/sql-statement.js';
import { describeClient } from './fixtures/describe-client.js';
import { mariadbDatabase, type TestDatabase } from './fixtures/test-database.js';
import { MariadbServer } from './support/mariadb-server.js';
import './support/patience.js';

let server: MariadbServer;
beforeAll(async () => {
  server = await MariadbServer.start();
});
afterAll(() => server?.stop());
const database = () => mariadbDatabase(server);
/** Its dialect is what those of MySQL's users say, and must do. */
const asMysql = async () => ({ ...(await database()), dialect: 'mysql' as const });

describeClient(
  'mysql2',
  asMysql,
  ({ url }: TestDatabase) => {
    const pool = mysql.createPool(url);
    const withCallbacks = callbackMysql.createPool(url);
    return {
      pool,
      withCallbacks,
      async transaction(work: (tx: mysql.PoolConnection) => Promise<void>) {
        const connection = await pool.getConnection();
        try {
          await connection.beginTransaction();
          await work(connection);
          await connection.commit();
        } catch (error) {
          await connection.rollback();
          throw error;
        } finally {
          connection.release();
        }
      },
      write: (tx: mysql.PoolConnection, statement: string) => tx.query(statement),
      async close() {
        await pool.end();
        await withCallbacks.promise().end();
      },
    };
  },
  {
    'a pool': [({ pool }) => pool, /a pool .* pass the connection of pool.getConnection/],
    'a pool with callbacks': [
      ({ withCallbacks }) => withCallbacks,
      /a pool .* pass the connection/,
    ],
    'a connection with callbacks': [
      ({ withCallbacks }) =>
        new Promise((resolve, reject) => {
          withCallbacks.getConnection((error, connection) => {
            if (error) return reject(error);
            connection.release();
            resolve(connection);
          });
        }),
      /answers callbacks: pass connection.promise\(\)/,
    ],
    'a connection before beginTransaction': [
      async ({ pool }) => {
        const connection = await pool.getConnection();
        connection.release();
        return connection;
      },
      /outside of a transaction, as the server told mysql2/,
    ],
  },
);

describeClient(
  'mariadb',
  database,
  ({ url }: TestDatabase) => {
    const pool = mariadb.createPool(url.replace('mysql:', 'mariadb:'));
    return {
      pool,
      async transaction(work: (tx: mariadb.PoolConnection) => Promise<void>) {
        const connection = await pool.getConnection();
        try {
          await connection.beginTransaction();
          await work(connection);
          await connection.commit();
        } catch (error) {
          await connection.rollback();
          throw error;
        } finally {
          await connection.release();
        }
      },
      write: (tx: mariadb.PoolConnection, statement: string) => tx.query(statement),
      close: () => pool.end(),
    };
  },
  {
    'a pool': [({ pool }) => pool, /a pool .* pass the connection of pool.getConnection/],
    'a connection before beginTransaction': [
      async ({ pool }) => {
        const connection = await pool.getConnection();
        await connection.release();
        return connection;
      },
      /the connection is in no transaction: await connection.beginTransaction\(\)/,
    ],
  },
);

describeClient(
  'TypeORM on mysql2',
  database,
  async ({ url }: TestDatabase) => {
    const source = await new DataSource({ type: 'mariadb', url }).initialize();
    return {
      source,
      transaction: (work: (tx: EntityManager) => Promise<void>) => source.transaction(work),
      write: (tx: EntityManager, statement: string) => tx.query(statement),
      close: () => source.destroy(),
    };
  },
  { 'the DataSource': [({ source }) => source, /Of TypeORM, .* pass the manager/] },
);

describeClient(
  'Knex on mysql2',
  database,
  ({ url }: TestDatabase) => {
    const db = knex({ client: 'mysql2', connection: url });
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
  'Kysely on mysql2',
  database,
  ({ url }: TestDatabase) => {
    const pool = callbackMysql.createPool(url);
    const db = new Kysely<unknown>({
      dialect: new MysqlDialect({ pool }),
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

type NoSchema = Record<string, never>;
type DrizzleTx = MySql2Transaction<NoSchema, ExtractTablesWithRelations<NoSchema>>;

describeClient(
  'Drizzle on mysql2',
  database,
  ({ url }: TestDatabase) => {
    const pool = mysql.createPool(url);
    const db = drizzle(pool);
    return {
      db,
      transaction: (work: (tx: DrizzleTx) => Promise<void>) => db.transaction(work),
      write: (tx: DrizzleTx, statement: string) => tx.execute(sql.raw(statement)),
      close: () => pool.end(),
    };
  },
  { db: [({ db }) => db, /Of Drizzle, .* pass the tx of db.transaction/] },
);

/** Of both connectors. */
interface Connection extends QueryTransaction {
  commit(): Promise<void>;
  rollback(): Promise<void>;
  end(): Promise<void>;
}

it.each<[string, SqlDialect, (url: string) => Promise<Connection>]>([
  ['mysql2', 'mysql', (url) => mysql.createConnection(url)],
  ['mariadb', 'mariadb', (url) => mariadb.createConnection(url.replace('mysql:', 'mariadb:'))],
])('%s without autocommit needs no beginTransaction', async (_name, dialect, connect) => {
  const database = await mariadbDatabase(server);
  const guard = new FenceGuard({ dialect });
  await database.run(guard.migration);
  const connection = await connect(database.url);
  try {
    await connection.query('SET autocommit = 0', []);
    await guard.assertFence(connection, 'invoice:42', 1);
    await connection.rollback();
    expect(await database.run('SELECT * FROM fence_guard')).toEqual([]);
    await guard.assertFence(connection, 'invoice:42', 1);
    await connection.commit();
    expect(await database.run('SELECT fence FROM fence_guard')).toEqual([{ fence: 1 }]);
  } finally {
    await connection.end();
    await database.close();
  }
});
