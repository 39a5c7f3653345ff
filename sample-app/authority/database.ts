import { PGlite } from '@electric-sql/pglite';
import type { FactoryProvider } from '@nestjs/common';
import { FenceGuard } from '../../lib/fencing/index.ts';

/** Which fencing token is the newest of each invoice; in a table beside the records. */
export const guard = new FenceGuard({ dialect: 'postgres' });

/** Nothing makes an invoice unique: what is filed twice is there twice, and counts twice. */
const TABLES = `
  CREATE TABLE document (
    reference serial PRIMARY KEY,
    invoice text NOT NULL,
    amount numeric NOT NULL,
    currency text NOT NULL,
    submitted_by text NOT NULL,
    sent_at bigint NOT NULL
  );
  CREATE TABLE journal (
    entry serial PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('handed in', 'filed', 'asked')),
    invoice text NOT NULL,
    reference integer REFERENCES document,
    fencing_token bigint,
    at timestamptz NOT NULL DEFAULT now()
  );
`;

/** Postgres in this process, in memory: gone when the demo is over. */
export async function openDatabase(): Promise<PGlite> {
  const postgres = await PGlite.create();
  await postgres.exec(TABLES);
  await postgres.exec(guard.migration);
  return postgres;
}

export const database: FactoryProvider<PGlite> = { provide: PGlite, useFactory: openDatabase };
