import { PGlite } from '@electric-sql/pglite';
import { FenceGuard } from 'nestjs-locker/fencing';

export const guard = new FenceGuard({ dialect: 'postgres' });

/** PostgreSQL in this process, for both replicas: the sample needs no server. */
export const database = await PGlite.create();

await database.exec(guard.migration);
await database.exec(`
  CREATE TABLE account (id text PRIMARY KEY, cents integer NOT NULL CHECK (cents >= 0));
  INSERT INTO account VALUES ('a', 10000), ('b', 10000), ('c', 10000)`);
