import { afterAll, beforeAll, expect, it } from '@jest/globals';
import pg from 'pg';
import postgres from 'postgres';
import { FenceGuard } from '../../lib/fencing/sql/fence-guard.js';
import type { QueryFunction } from '../../lib/fencing/sql/sql-clients/drivers.js';
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

const connectPg = ({ url }: TestDatabase) => {
  const pool = new pg.Pool({ connectionString: url, max: 2 });
  return {
    pool,
    async transaction(work: (tx: pg.PoolClient) => Promise<void>) {
      const client = await pool.connect();
      try {
        await client.query('BEGIN');
        await work(client);
        await client.query('COMMIT');
      } catch (error) {
        await client.query('ROLLBACK');
        throw error;
      } finally {
        client.release();
      }
    },
    write: (tx: pg.PoolClient, statement: string) => tx.query(statement),
    close: () => pool.end(),
  };
};

describeClient('pg', database, connectPg, {
  'a pool': [({ pool }) => pool, /Of pg, a pool .* pass the client of pool.connect\(\)/],
  'a client that is not in a transaction': [
    async ({ pool }) => {
      const client = await pool.connect();
      client.release();
      return client;
    },
    /Of pg, the client is in no transaction: await client.query\('BEGIN'\)/,
  ],
  'a client that is not connected': [() => new pg.Client(), /Of pg, the client is in no transa/],
  'a client whose transaction has ended': [
    keptAfterItsEnd,
    /Of pg, the client is in no transaction/,
  ],
});

describeClient(
  'a function',
  database,
  (database: TestDatabase) => {
    const client = connectPg(database);
    return {
      pool: client.pool,
      transaction: (work: (tx: QueryFunction) => Promise<void>) =>
        client.transaction((tx) =>
          work(async (text, values) => (await tx.query(text, values)).rows),
        ),
      write: (query: QueryFunction, statement: string) => query(statement, []),
      close: () => client.close(),
    };
  },
  {
    'a function that runs it outside of a transaction': [
      ({ pool }) =>
        async (text: string, values: unknown[]) =>
          (await pool.query(text, values)).rows,
      OUTSIDE,
    ],
    'what has query() and runs it outside of a transaction': [
      ({ pool }) => ({ query: (text: string, values: unknown[]) => pool.query(text, values) }),
      OUTSIDE,
    ],
    'a function that answers nothing': [
      () => async () => {},
      /answer of the function .* undefined/,
    ],
    'a function that answers arrays': [() => async () => [[1]], /an array of \[Array\] came/],
    'what has no method of any client': [() => ({ send: () => [] }), /\[Object\] is none that is/],
    'nothing at all': [
      () => undefined,
      /undefined is none that is known.* of pg, PGlite, postgres/,
    ],
    'what begins transactions': [
      () => ({ query: async () => [], transaction: () => {} }),
      /what begins transactions is none: pass the transaction, or \(text, values\) => …/,
    ],
  },
);

describeClient(
  'postgres.js',
  database,
  ({ url }: TestDatabase) => {
    const sql = postgres(url, { max: 2, onnotice: () => {} });
    return {
      sql,
      transaction: (work: (tx: postgres.TransactionSql) => Promise<void>) => sql.begin(work),
      write: (tx: postgres.TransactionSql, statement: string) => tx.unsafe(statement),
      // Reserved connections are not given back.
      close: () => sql.end({ timeout: 0 }),
    };
  },
  {
    'the sql of no transaction': [({ sql }) => sql, /Of postgres.js, .* pass the sql of sql.begin/],
    'the sql of a transaction that has ended': [keptAfterItsEnd, OUTSIDE],
    'a reserved connection before BEGIN': [({ sql }) => sql.reserve(), OUTSIDE],
  },
);

it('postgres.js may begin by hand on a reserved connection', async () => {
  const place = await database();
  const guard = new FenceGuard({ dialect: 'postgres' });
  await place.run(guard.migration);
  const sql = postgres(place.url, { max: 1, onnotice: () => {} });
  try {
    const connection = await sql.reserve();
    await connection.unsafe('BEGIN');
    await guard.assertFence(connection, 'invoice:42', 1);
    await connection.unsafe('COMMIT');
    expect(await place.run('SELECT fence FROM fence_guard')).toEqual([{ fence: '1' }]);
  } finally {
    await sql.end({ timeout: 0 });
    await place.close();
  }
});
