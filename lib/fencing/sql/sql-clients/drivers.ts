import { SERVER_STATUS_IN_TRANS } from '../sql-rows.js';
import { bound } from '../sql-text.js';
import { can, type Shape, type SqlClient } from './sql-client.js';

/**
 * A connection in a transaction: `Client` and `PoolClient` of pg, `Transaction` of PGlite, connections of
 * mysql2/promise and of mariadb, TypeORM's `EntityManager` and `QueryRunner`, and whatever has the same method.
 *
 * `query` takes `$1` on PostgreSQL and `?` elsewhere.
 */
export interface QueryTransaction {
  query(text: string, values: any[]): PromiseLike<unknown>;
}

/** The `sql` that `sql.begin()` of postgres.js gives. */
export interface PostgresJsTransaction {
  unsafe(text: string, values: any[]): PromiseLike<unknown>;
}

/** Any other client, by a function: `$1` stands in the text on PostgreSQL, `?` on MySQL and MariaDB. */
export type QueryFunction = (text: string, values: unknown[]) => PromiseLike<unknown>;

export const runQuery: SqlClient<QueryTransaction>['run'] = (tx, statement, dialect) => {
  const { text, values } = bound(statement, dialect);
  return tx.query(text, values);
};

export const pg: SqlClient<QueryTransaction> = {
  name: 'pg',
  dialects: ['postgres'],
  tells: true,
  recognises: (tx) => can(tx, 'query') && (can(tx, 'getTransactionStatus') || 'totalCount' in tx),
  refusal(tx) {
    if ('totalCount' in tx) {
      return 'a pool runs each statement on any connection: pass the client of pool.connect(), after its BEGIN';
    }
    // What the server said last: in a transaction, or in one that has failed and says so itself.
    const status = (tx as unknown as { getTransactionStatus(): unknown }).getTransactionStatus();
    if (status === 'T' || status === 'E') return undefined;
    return "the client is in no transaction: await client.query('BEGIN') before";
  },
  run: runQuery,
};

export const pglite: SqlClient<QueryTransaction> = {
  name: 'PGlite',
  dialects: ['postgres'],
  tells: true,
  recognises: (tx) => can(tx, 'query', 'exec'),
  refusal: (tx) =>
    can(tx, 'transaction')
      ? 'the database itself commits each statement: pass the tx of db.transaction((tx) => …)'
      : undefined,
  run: runQuery,
};

export const postgresJs: SqlClient<PostgresJsTransaction> = {
  name: 'postgres.js',
  dialects: ['postgres'],
  // One that is kept after its end looks as before, and still runs on the connection.
  tells: false,
  recognises: (tx) => typeof tx === 'function' && can(tx, 'unsafe'),
  refusal: (tx) =>
    // A reserved connection has no begin() either, and may be in a transaction that was begun by hand.
    can(tx, 'savepoint') || (can(tx, 'release') && !can(tx, 'begin'))
      ? undefined
      : 'its sql runs each statement on any connection: pass the sql of sql.begin((sql) => …)',
  run(sql, statement) {
    const { text, values } = bound(statement, 'postgres');
    return sql.unsafe(text, values);
  },
};

export const mysql: SqlClient<QueryTransaction> = {
  name: 'mysql2 or mariadb',
  dialects: ['mysql', 'mariadb'],
  tells: true,
  recognises: (tx) =>
    can(tx, 'query') &&
    ['beginTransaction', 'getConnection', 'promise'].some((own) => can(tx, own)),
  refusal(tx) {
    if (can(tx, 'getConnection')) {
      return 'a pool runs each statement on any connection: pass the connection of pool.getConnection(), after its beginTransaction()';
    }
    if (can(tx, 'promise')) {
      return 'this connection answers callbacks: pass connection.promise(), after its beginTransaction()';
    }
    return isIdle(tx.info)
      ? 'the connection is in no transaction: await connection.beginTransaction() before'
      : undefined;
  },
  run: runQuery,
};

const SERVER_STATUS_AUTOCOMMIT = 2;

/** The mariadb connector keeps the server's flags; without autocommit, the next statement begins a transaction. */
function isIdle(info: unknown): boolean {
  const status = (info as { status?: unknown } | null | undefined)?.status;
  if (typeof status !== 'number') return false;
  return (
    (status & (SERVER_STATUS_IN_TRANS | SERVER_STATUS_AUTOCOMMIT)) === SERVER_STATUS_AUTOCOMMIT
  );
}

export const anyQuery: SqlClient<QueryTransaction> = {
  name: 'query()',
  tells: false,
  recognises: (tx) => can(tx, 'query'),
  refusal: beginsTransactions,
  run: runQuery,
};

export const queryFunction: SqlClient<QueryFunction & Shape> = {
  name: 'the function',
  tells: false,
  recognises: (tx) => typeof tx === 'function',
  refusal: beginsTransactions,
  run(query, statement, dialect) {
    const { text, values } = bound(statement, dialect);
    return query(text, values);
  },
};

/** Sequelize's instance, `fastify.pg`, the `db` and the tasks of pg-promise, an older `neon()`. */
function beginsTransactions(tx: Shape): string | undefined {
  // The transactions of pg-promise have tx(), too.
  const isOutside =
    can(tx, 'tx') && !(tx.ctx as { inTransaction?: unknown } | undefined)?.inTransaction;
  return isOutside || can(tx, 'transaction') || can(tx, 'transact')
    ? 'what begins transactions is none: pass the transaction, or (text, values) => … that runs the statement in it'
    : undefined;
}
