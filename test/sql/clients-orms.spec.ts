import { afterAll, beforeAll } from '@jest/globals';
import {
  EntitySchema as MikroSchema,
  MikroORM,
  type SqlEntityManager,
} from '@mikro-orm/postgresql';
import { DataSource, type EntityManager, type QueryRunner } from 'typeorm';
import { describeClient, keptAfterItsEnd } from './fixtures/describe-client.js';
import { prismaClient, type PrismaTransaction } from './fixtures/prisma-client.js';
import { postgresDatabase, type TestDatabase } from './fixtures/test-database.js';
import './support/patience.js';
import { PostgresServer } from './support/postgres-server.js';

let server: PostgresServer;
beforeAll(async () => {
  server = await PostgresServer.start();
});
afterAll(() => server?.stop());
const database = () => postgresDatabase(server);

const connectTypeOrm = ({ url }: TestDatabase) =>
  new DataSource({ type: 'postgres', url }).initialize();

describeClient(
  'TypeORM, an EntityManager',
  database,
  async (database: TestDatabase) => {
    const source = await connectTypeOrm(database);
    return {
      source,
      transaction: (work: (tx: EntityManager) => Promise<void>) => source.transaction(work),
      write: (tx: EntityManager, statement: string) => tx.query(statement),
      close: () => source.destroy(),
    };
  },
  {
    'the DataSource': [
      ({ source }) => source,
      /Of TypeORM, .* pass the manager of dataSource.tran/,
    ],
    'the manager of the DataSource': [({ source }) => source.manager, /Of TypeORM, nothing of it/],
    'a manager whose transaction has ended': [
      keptAfterItsEnd,
      /Of TypeORM, nothing of it is in a transaction/,
    ],
  },
);

describeClient(
  'TypeORM, a QueryRunner',
  database,
  async (database: TestDatabase) => {
    const source = await connectTypeOrm(database);
    const idle = source.createQueryRunner();
    return {
      idle,
      async transaction(work: (tx: QueryRunner) => Promise<void>) {
        const runner = source.createQueryRunner();
        await runner.startTransaction();
        try {
          await work(runner);
          await runner.commitTransaction();
        } catch (error) {
          await runner.rollbackTransaction();
          throw error;
        } finally {
          await runner.release();
        }
      },
      write: (tx: QueryRunner, statement: string) => tx.query(statement),
      close: () => source.destroy(),
    };
  },
  {
    'one before startTransaction': [
      ({ idle }) => idle,
      /Of TypeORM, .* QueryRunner after its startTransaction/,
    ],
  },
);

describeClient(
  'Prisma',
  database,
  async ({ url }: TestDatabase) => {
    const prisma = await prismaClient(url);
    return {
      prisma,
      transaction: (work: (tx: PrismaTransaction) => Promise<void>): Promise<unknown> =>
        prisma.$transaction(work),
      write: (tx: PrismaTransaction, statement: string) => tx.$executeRawUnsafe(statement),
      close: () => prisma.$disconnect(),
    };
  },
  {
    'the client': [({ prisma }) => prisma, /Of Prisma, .* pass the tx of prisma.\$transaction/],
    'an extended client': [
      ({ prisma }) => prisma.$extends({ name: 'audit' }),
      /Of Prisma, .* pass the tx of prisma.\$transaction/,
    ],
  },
);

describeClient(
  'MikroORM',
  database,
  async ({ url }: TestDatabase) => {
    const entity = new MikroSchema({
      name: 'Invoice',
      properties: { id: { primary: true, type: 'string' } },
    });
    const orm = await MikroORM.init({ clientUrl: url, entities: [entity] });
    return {
      orm,
      transaction: (work: (tx: SqlEntityManager) => Promise<void>) =>
        orm.em.fork().transactional(work),
      write: (tx: SqlEntityManager, statement: string) => tx.execute(statement),
      close: () => orm.close(),
    };
  },
  {
    'an em of no transaction': [
      ({ orm }) => orm.em,
      /Of MikroORM, .* pass the em of em.transactio/,
    ],
    'a fork of no transaction': [
      ({ orm }) => orm.em.fork(),
      /Of MikroORM, .* pass the em of em.tr/,
    ],
  },
);
