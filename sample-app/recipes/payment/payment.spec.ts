import { randomUUID } from 'node:crypto';
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  it,
  jest,
} from '@jest/globals';
import type { INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { PGlite } from '@electric-sql/pglite';
import { LockModule, LockService } from 'nestjs-locker';
import { RedisServer } from '../../../test/support/redis-server.js';
import { database } from './database.js';
import { PaymentController } from './payment.controller.js';
import { PaymentService } from './payment.service.js';

jest.setTimeout(60_000);

describe('a payment', () => {
  let redis: RedisServer;
  let app: INestApplication;
  let url: string;
  const key = randomUUID();

  beforeAll(async () => {
    redis = await RedisServer.start();
  });
  afterAll(async () => {
    await redis.stop();
    await database.close();
  });

  beforeEach(async () => {
    const module = await Test.createTestingModule({
      imports: [LockModule.forRoot({ redis: redis.url })],
      controllers: [PaymentController],
      providers: [PaymentService, { provide: PGlite, useValue: database }],
    }).compile();
    app = module.createNestApplication({ logger: false });
    await app.listen(0, '127.0.0.1');
    url = await app.getUrl();
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    await app.close();
    await redis.client().flushall();
    await database.exec('DELETE FROM payment');
  });

  interface Sent {
    readonly key?: string;
    readonly account?: unknown;
    readonly cents?: unknown;
  }
  async function pay(sent: Sent = {}): Promise<{ status: number; receipt: unknown }> {
    const response = await fetch(`${url}/payments`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': sent.key ?? key },
      body: JSON.stringify({ account: 'A-1', cents: 500, ...sent, key: undefined }),
    });
    const { receipt } = (await response.json()) as { receipt?: unknown };
    return { status: response.status, receipt };
  }

  async function receipts(): Promise<number[]> {
    const { rows } = await database.query<{ receipt: number }>('SELECT receipt FROM payment');
    return rows.map(({ receipt }) => receipt);
  }

  function loseAnswers(error: Error, times: number): void {
    const transaction = database.transaction.bind(database);
    const spy = jest.spyOn(database, 'transaction');
    for (let time = 0; time < times; time++) {
      spy.mockImplementationOnce(async (work) => {
        await transaction(work);
        throw error;
      });
    }
  }

  it.each([
    ['driver', new Error('Connection terminated unexpectedly')],
    ['system', Object.assign(new Error('write EPIPE'), { code: 'EPIPE' })],
    ['server', Object.assign(new Error('terminating'), { code: '57P01' })],
  ])('is found by the next request if the answer to its COMMIT is lost: %s', async (_, error) => {
    loseAnswers(error, 2);
    expect((await pay()).status).toBe(500);
    const record = await app.get(LockService).outcomes.of(`payment:A-1:${key}`);
    expect(record?.state).toBe('unknown');

    expect((await pay()).status).toBe(500);
    const { status, receipt } = await pay();
    expect(status).toBe(201);
    expect(await receipts()).toEqual([receipt]);
    expect(await pay()).toEqual({ status, receipt });
  });

  it('is open again if PostgreSQL has refused it', async () => {
    const refused = Object.assign(new Error('could not serialize'), { code: '40001' });
    jest.spyOn(database, 'transaction').mockRejectedValueOnce(refused);
    expect((await pay()).status).toBe(500);
    expect(await app.get(LockService).outcomes.of(`payment:A-1:${key}`)).toBeNull();
    expect((await pay()).status).toBe(201);
  });

  it('has its receipt also when Redis has forgotten it', async () => {
    const first = await pay();
    await app.get(LockService).outcomes.clear('payment', 'processed'); // its retention is over
    expect(await pay()).toEqual(first);
    expect(await receipts()).toEqual([first.receipt]);
  });

  it('is none of another amount, whether Redis knows its key or not', async () => {
    await pay();
    expect((await pay({ cents: 900 })).status).toBe(422);
    await app.get(LockService).outcomes.clear('payment', 'processed');
    expect((await pay({ cents: 900 })).status).toBe(422);
    expect(await receipts()).toHaveLength(1);
  });

  it('is one of its own for each account', async () => {
    const [one, two] = [await pay(), await pay({ account: 'A-2' })];
    expect(two.status).toBe(201);
    expect(two.receipt).not.toBe(one.receipt);
  });

  it.each([
    ['a key of five KiB', { key: 'k'.repeat(5_120) }],
    ['a key with a space', { key: 'a b' }],
    ['no account', { account: null }],
    ['an account that is a path', { account: 'a:b' }],
    ['no amount', { cents: '500' }],
    ['less than nothing', { cents: -1 }],
    ['half a cent', { cents: 0.5 }],
  ])('is refused with %s', async (_, sent) => {
    expect((await pay(sent)).status).toBe(400);
    expect(await receipts()).toEqual([]);
  });
});
