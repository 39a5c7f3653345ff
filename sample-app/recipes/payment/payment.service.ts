import { Inject, Injectable } from '@nestjs/common';
import { PGlite } from '@electric-sql/pglite';
import { LockService } from 'nestjs-locker';
import { guard } from './database.js';

export interface Payment {
  readonly account: string;
  readonly cents: number;
}

export interface Receipt {
  readonly receipt: number;
}

@Injectable()
export class PaymentService {
  constructor(
    private readonly locks: LockService,
    @Inject(PGlite) private readonly db: PGlite,
  ) {}

  /** Pays once for each key. Whoever comes again gets the receipt of the first time. */
  async pay(key: string, payment: Payment): Promise<Receipt> {
    const { result } = await this.locks.once(
      `payment:${key}`,
      (lock) =>
        this.db.transaction(async (tx) => {
          await guard.assertFence(tx, `payment:${key}`, lock);
          const { rows } = await tx.query<Receipt>(
            'INSERT INTO payment (key, account, cents) VALUES ($1, $2, $3) RETURNING receipt',
            [key, payment.account, payment.cents],
          );
          return rows[0]!;
        }),
      {
        fingerprint: payment, // the same key for another payment is an error
        storeResult: true, // what is replayed
        retention: '1 day', // for how long a key counts
        onUnknown: 'hold', // a replica died in the middle: nobody pays again before somebody has looked
      },
    );
    return result!;
  }
}
