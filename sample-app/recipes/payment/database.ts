import { HttpException } from '@nestjs/common';
import { PGlite } from '@electric-sql/pglite';
import { LockError } from 'nestjs-locker';
import { FenceGuard } from 'nestjs-locker/fencing';

/** Remembers the newest fencing token of each payment, in a table beside the payments. */
export const guard = new FenceGuard({ dialect: 'postgres' });

/** PostgreSQL in this process, for both replicas: the sample needs no server. */
export const database = await PGlite.create();

await database.exec(guard.migration);
await database.exec(`
  CREATE TABLE payment (
    account text NOT NULL,
    key text NOT NULL,
    cents integer NOT NULL,
    receipt serial,
    PRIMARY KEY (account, key) -- the last line of defence: a second row is impossible
  )`);

/**
 * Whether a transaction that failed has surely written nothing: it was refused by us, or by PostgreSQL
 * with an SQLSTATE. Those of a lost connection (08, 57P, 40003) say no more than that the answer is missing.
 */
export function isRolledBack(error: unknown): boolean {
  if (error instanceof LockError || error instanceof HttpException) return true;
  const { code } = error as { code?: unknown };
  return typeof code === 'string' && /^\d[0-9A-Z]{4}$/.test(code) && !/^(08|57P|40003)/.test(code);
}
