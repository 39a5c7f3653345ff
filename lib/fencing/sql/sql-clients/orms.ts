import { bound, questionMarks } from '../sql-text.js';
import { type QueryTransaction, runQuery } from './drivers.js';
import { can, type SqlClient } from './sql-client.js';

export const typeOrm: SqlClient<QueryTransaction> = {
  name: 'TypeORM',
  tells: true,
  // Of all that has query(): EntityManager, Repository and DataSource, or a QueryRunner.
  recognises: (tx) =>
    can(tx, 'query') && (can(tx, 'createQueryBuilder') || 'isTransactionActive' in tx),
  refusal(tx) {
    const runner = 'isTransactionActive' in tx ? tx : tx.queryRunner;
    return (runner as { isTransactionActive?: boolean } | undefined)?.isTransactionActive
      ? undefined
      : 'nothing of it is in a transaction: pass the manager of dataSource.transaction((manager) => …), or a ' +
          'QueryRunner after its startTransaction()';
  },
  run: runQuery,
};

/** The `tx` that `prisma.$transaction()` gives to a function. */
export interface PrismaTransaction {
  $queryRawUnsafe(text: string, ...values: any[]): PromiseLike<unknown>;
}

export const prisma: SqlClient<PrismaTransaction> = {
  name: 'Prisma',
  tells: true,
  recognises: (tx) => can(tx, '$queryRawUnsafe'),
  refusal: (tx) =>
    // Since transactions nest, they have $transaction too.
    can(tx, '$connect')
      ? 'the client runs each statement on any connection: pass the tx of prisma.$transaction((tx) => …)'
      : undefined,
  run(tx, statement, dialect) {
    const { text, values } = bound(statement, dialect);
    return tx.$queryRawUnsafe(text, ...values);
  },
};

/** The `em` that `em.transactional()` of MikroORM gives, or one after `em.begin()`. */
export interface MikroOrmTransaction {
  execute(text: string, values: any[]): PromiseLike<unknown>;
  isInTransaction(): boolean;
}

export const mikroOrm: SqlClient<MikroOrmTransaction> = {
  name: 'MikroORM',
  tells: true,
  recognises: (tx) => can(tx, 'execute', 'isInTransaction'),
  refusal: (em) =>
    em.isInTransaction()
      ? undefined
      : 'the EntityManager is in no transaction: pass the em of em.transactional((em) => …)',
  run(em, statement) {
    const { text, values } = questionMarks(statement);
    return em.execute(text, values);
  },
};
