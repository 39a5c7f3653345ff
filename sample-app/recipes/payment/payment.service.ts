import { Inject, Injectable, UnprocessableEntityException } from '@nestjs/common';
import { PGlite, type Transaction } from '@electric-sql/pglite';
import { LockService } from 'nestjs-locker';
import { guard, isRolledBack } from './database.js';
import type { Payment, Receipt } from './payment.js';

@Injectable()
export class PaymentService {
  constructor(
    private readonly locks: LockService,
    @Inject(PGlite) private readonly db: PGlite,
  ) {}

  /** Pays once for each key of an account. Whoever comes again gets the receipt of the first time. */
  async pay(key: string, payment: Payment): Promise<Receipt> {
    const name = `payment:${payment.account}:${key}`; // accounts cannot meet in one key
    const { result } = await this.locks.once(
      name,
      (lock) =>
        this.db.transaction(async (tx) => {
          await guard.assertFence(tx, name, lock);
          return this.write(tx, key, payment);
        }),
      {
        fingerprint: payment, // the same key for another payment is an error
        storeResult: true, // what is replayed
        retention: '1 day', // for how long Redis knows; the table knows for longer
        unknownIf: (error) => !isRolledBack(error), // no answer: it may be written
        onUnknown: 'retry', // `write` finds what there is, and the fence shuts the earlier try out
      },
    );
    return result!;
  }

  /** Writes the payment, or finds the one that was written under this key before. */
  private async write(tx: Transaction, key: string, { account, cents }: Payment): Promise<Receipt> {
    await tx.query(
      'INSERT INTO payment (account, key, cents) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING',
      [account, key, cents],
    );
    const { rows } = await tx.query<Receipt & { cents: number }>(
      'SELECT receipt, cents FROM payment WHERE account = $1 AND key = $2',
      [account, key],
    );
    const { receipt, cents: written } = rows[0]!;
    if (written === cents) return { receipt };
    throw new UnprocessableEntityException('This Idempotency-Key was used for another payment.');
  }
}
