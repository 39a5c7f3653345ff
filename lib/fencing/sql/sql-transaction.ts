import { describeValue } from '../../core/describe-value.js';
import { LockOptionsError } from '../../lock.errors.js';
import * as drivers from './sql-clients/drivers.js';
import * as orms from './sql-clients/orms.js';
import * as builders from './sql-clients/query-builders.js';
import type { Shape, SqlClient } from './sql-clients/sql-client.js';
import { rowsOf } from './sql-rows.js';
import type { SqlDialect, SqlRunner } from './sql-statement.js';

/**
 * The transaction that a guarded write is in, of any client, recognised by its methods:
 *
 * - pg: a `Client` or `PoolClient` after `BEGIN`; PGlite: the `tx` of `db.transaction()`
 * - postgres.js: the `sql` of `sql.begin()`
 * - mysql2/promise and mariadb: a connection after `beginTransaction()`
 * - TypeORM: the `EntityManager` of `dataSource.transaction()`, or a `QueryRunner` after `startTransaction()`
 * - Prisma: the `tx` of `prisma.$transaction()`; MikroORM: the `em` of `em.transactional()`
 * - Knex, Kysely, Drizzle: the `trx` or `tx` of their `transaction()`
 * - any other: a function that runs a statement in the transaction, with `$1` for values on PostgreSQL and `?`
 *   on MySQL and MariaDB, and answers its rows
 *
 * On PostgreSQL, one more statement goes ahead (`LOCK TABLE ONLY … IN ROW EXCLUSIVE MODE`) where the client
 * does not tell whether its transaction is still open: of postgres.js, Drizzle, a function and what is not
 * known here. It needs the right to INSERT, UPDATE or DELETE for the table, not for columns alone.
 *
 * @example
 * await guard.assertFence(tx, 'invoice:42', lock);
 *
 * // Sequelize on PostgreSQL:
 * await guard.assertFence((text, bind) => sequelize.query(text, { bind, transaction }), 'invoice:42', lock);
 *
 * // Sequelize on MySQL and MariaDB, which answers an INSERT with numbers:
 * const run = async (text: string, replacements: unknown[]) => {
 *   const [rows] = await sequelize.query(text, { replacements, transaction });
 *   return Array.isArray(rows) ? rows : [];
 * };
 * await guard.assertFence(run, 'invoice:42', lock);
 */
export type SqlTransaction =
  | drivers.QueryTransaction
  | drivers.PostgresJsTransaction
  | drivers.QueryFunction
  | orms.PrismaTransaction
  | orms.MikroOrmTransaction
  | builders.KnexTransaction
  | builders.KyselyTransaction
  | builders.DrizzleTransaction;

/** The first that recognises it counts: those that look at less come later. */
const CLIENTS: readonly SqlClient<any>[] = [
  orms.prisma,
  orms.mikroOrm,
  orms.typeOrm,
  builders.knex,
  builders.kysely,
  drivers.postgresJs,
  drivers.pg,
  drivers.pglite,
  drivers.mysql,
  drivers.anyQuery,
  builders.drizzle,
  drivers.queryFunction,
];

/**
 * Finds out whose transaction it is, and how statements run in it.
 *
 * @throws LockOptionsError if no client is recognised, if it speaks another dialect, or if it tells that it is in
 * no transaction, where a guard would guard nothing. A run rejects with one if its answer cannot be read.
 */
export function runnerOf(tx: SqlTransaction, dialect: SqlDialect): SqlRunner {
  const client = CLIENTS.find((each) => isObject(tx) && each.recognises(tx));
  if (!client) {
    throw new LockOptionsError(
      `A fence needs the transaction that the write is in, and ${describeValue(tx)} is none that is known. Pass one ` +
        'of pg, PGlite, postgres.js, mysql2/promise, mariadb, TypeORM, Prisma, MikroORM, Knex, Kysely or Drizzle, or a ' +
        'function (text, values) => … that runs the statement in the transaction and answers its rows.',
    );
  }
  if (client.dialects && !client.dialects.includes(dialect)) {
    throw new LockOptionsError(
      `The guard speaks ${describeValue(dialect)}, and this is a transaction of ${client.name}: set dialect to ` +
        `${client.dialects.map(describeValue).join(' or ')}.`,
    );
  }
  const refusal = client.refusal?.(tx);
  if (refusal) {
    throw new LockOptionsError(
      `A fence needs the transaction that the write is in. Of ${client.name}, ${refusal}.`,
    );
  }
  return {
    run: async (statement) => rowsOf(await client.run(tx, statement, dialect), client.name),
    tells: client.tells,
  };
}

function isObject(tx: unknown): tx is Shape {
  return (typeof tx === 'object' && tx !== null) || typeof tx === 'function';
}
