import { Inject, Injectable } from '@nestjs/common';
import { PGlite, type Transaction } from '@electric-sql/pglite';
import { Lock, Locked, LockService } from 'nestjs-locker';
import { guard } from './database.js';
import { FraudCheck } from './fraud-check.js';

@Injectable()
export class TransferService {
  constructor(
    private readonly locks: LockService,
    private readonly fraud: FraudCheck,
    @Inject(PGlite) private readonly db: PGlite,
  ) {}

  // Both accounts or none, in one order for everybody: no deadlock, whoever sends to whom.
  @Locked(['account:<from>', 'account:<to>'], { wait: '1 minute' })
  async transfer(from: string, to: string, cents: number): Promise<void> {
    const lock = this.locks.current()!;
    // The tokens first: from here on no older holder writes what the check has not seen.
    await this.db.transaction((tx) => this.showTokens(tx, from, to, lock));
    await this.fraud.check(from, to, cents); // takes a while, outside of any transaction
    await this.book(from, to, cents, lock);
  }

  /** What is written is refused if somebody else has had one of the locks since. */
  async book(from: string, to: string, cents: number, lock: Lock): Promise<void> {
    await this.db.transaction(async (tx) => {
      await this.showTokens(tx, from, to, lock);
      await tx.query('UPDATE account SET cents = cents - $2 WHERE id = $1', [from, cents]);
      await tx.query('UPDATE account SET cents = cents + $2 WHERE id = $1', [to, cents]);
    });
  }

  /** In one order for everybody, as it locks the rows of both. */
  private async showTokens(tx: Transaction, from: string, to: string, lock: Lock): Promise<void> {
    for (const id of [from, to].sort()) await guard.assertFence(tx, `account:${id}`, lock);
  }
}
