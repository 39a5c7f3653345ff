import { PGlite } from '@electric-sql/pglite';
import { FenceGuard } from 'nestjs-locker/fencing';

/** Remembers the newest fencing token of each payment, in a table beside the payments. */
export const guard = new FenceGuard({ dialect: 'postgres' });

/** PostgreSQL in this process, for both replicas: the sample needs no server. */
export const database = await PGlite.create();

await database.exec(guard.migration);
await database.exec(`
  CREATE TABLE payment (
    key text PRIMARY KEY, -- the last line of defence: a second row is impossible
    account text NOT NULL,
    cents integer NOT NULL,
    receipt serial
  )`);
