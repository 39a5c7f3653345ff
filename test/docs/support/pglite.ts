import { afterAll } from '@jest/globals';
import { PGlite } from '@electric-sql/pglite';

let opened: Promise<PGlite> | undefined;

/** PostgreSQL in this process, for all that need one; it takes a second to start. */
export const pglite = (): Promise<PGlite> => (opened ??= PGlite.create());

afterAll(async () => (await opened)?.close());
