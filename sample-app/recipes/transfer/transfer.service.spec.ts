import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Test, type TestingModule } from '@nestjs/testing';
import { PGlite } from '@electric-sql/pglite';
import { type Lock, LockModule, LockService, StaleFencingTokenError } from 'nestjs-locker';
import { RedisServer } from '../../../test/support/redis-server.js';
import { database } from './database.js';
import { FraudCheck } from './fraud-check.js';
import { TransferService } from './transfer.service.js';

const NAMES = ['account:a', 'account:b'];

describe('a transfer whose replica stood still past its lease', () => {
  let redis: RedisServer;
  let app: TestingModule;
  let locks: LockService;
  let transfers: TransferService;
  let fraud: FraudCheck;
  let late: Lock;

  beforeAll(async () => {
    redis = await RedisServer.start();
  });
  afterAll(async () => {
    await redis.stop();
    await database.close();
  });

  beforeEach(async () => {
    app = await Test.createTestingModule({
      imports: [LockModule.forRoot({ redis: redis.url })],
      providers: [TransferService, FraudCheck, { provide: PGlite, useValue: database }],
    }).compile();
    await app.init();
    locks = app.get(LockService);
    transfers = app.get(TransferService);
    fraud = app.get(FraudCheck);
    await database.exec(`UPDATE account SET cents = 10000`);
    late = asleep(await locks.acquire(NAMES));
    for (const name of NAMES) await locks.forceRelease(name); // as if its lease had ended
  });
  afterEach(() => app.close());

  it('books nothing once a newer one has checked, and before that has booked', async () => {
    const seen: number[] = [];
    const refusals: unknown[] = [];
    fraud.check = async () => {
      seen.push(await centsOf('a'));
      await transfers.book('a', 'b', 7_000, late).catch((error) => refusals.push(error));
    };
    await transfers.transfer('a', 'b', 4_000);
    expect(seen).toEqual([10_000]);
    expect(refusals).toEqual([expect.any(StaleFencingTokenError)]);
    expect(await centsOf('a')).toBe(6_000);
  });

  it('books nothing once a newer one has booked', async () => {
    await transfers.transfer('a', 'b', 4_000);
    await expect(transfers.book('a', 'b', 100, late)).rejects.toThrow(StaleFencingTokenError);
    expect(await centsOf('a')).toBe(6_000);
  });

  it('is seen by the check of a newer one if it books before that', async () => {
    const seen: number[] = [];
    fraud.check = async () => void seen.push(await centsOf('a'));
    await transfers.book('a', 'b', 7_000, late);
    await transfers.transfer('a', 'b', 1_000);
    expect(seen).toEqual([3_000]);
    expect(await centsOf('a')).toBe(2_000);
  });

  it('books nothing if only one of its accounts has a newer holder', async () => {
    fraud.check = async () => {
      const booking = transfers.book('a', 'b', 100, late);
      await expect(booking).rejects.toThrow(StaleFencingTokenError);
    };
    await transfers.transfer('c', 'b', 100);
    expect(await centsOf('a')).toBe(10_000);
  });

  /** As a process has it that slept, and has not been told yet: held, for all it knows. */
  function asleep({ name, names, mode, fencingTokens }: Lock): Lock {
    const tokens = new Map(fencingTokens);
    const lock: Partial<Lock> = { name, names, mode, fencingTokens: tokens, assertHeld: () => {} };
    return lock as Lock;
  }

  async function centsOf(id: string): Promise<number> {
    const { rows } = await database.query<{ cents: number }>(
      'SELECT cents FROM account WHERE id = $1',
      [id],
    );
    return rows[0]!.cents;
  }
});
