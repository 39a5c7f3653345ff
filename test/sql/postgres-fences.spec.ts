import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { assertFenced } from '../../lib/fencing/sql/assert-fenced.js';
import { FenceColumn } from '../../lib/fencing/sql/fence-column.js';
import { FenceGuard } from '../../lib/fencing/sql/fence-guard.js';
import { FencedRowMissingError, StaleFencingTokenError } from '../../lib/lock.errors.js';
import './support/patience.js';
import { PostgresServer } from './support/postgres-server.js';

let server: PostgresServer;
let client: pg.Client;

beforeAll(async () => {
  server = await PostgresServer.start();
  client = new pg.Client(await server.createDatabase());
  await client.connect();
  await client.query('CREATE SCHEMA billing');
});
afterAll(async () => {
  await client?.end();
  await server?.stop();
});

async function inTransaction<T>(work: () => Promise<T>): Promise<T> {
  await client.query('BEGIN');
  try {
    const result = await work();
    await client.query('COMMIT');
    return result;
  } catch (error) {
    await client.query('ROLLBACK');
    throw error;
  }
}

const [OLD, NEW] = [1_790_000_000_000_123, 1_790_000_000_000_124];

describe('the guard table', () => {
  const guard = new FenceGuard({ dialect: 'postgres' });
  const assertFence = (resource: string, token: number, by = guard) =>
    inTransaction(() => by.assertFence(client, resource, token));

  beforeEach(async () => {
    await client.query(guard.migration);
    await client.query('DELETE FROM fence_guard');
  });

  it('is made by a migration that may be repeated', async () => {
    await assertFence('invoice:42', OLD);
    await client.query(guard.migration);
    const { rows } = await client.query('SELECT * FROM fence_guard');
    expect(rows).toEqual([
      { resource: 'invoice:42', fence: String(OLD), updated_at: expect.any(Date) },
    ]);
  });

  it('needs no more than the rights to write to it, also of a client that does not tell', async () => {
    await client.query('CREATE ROLE writer');
    await client.query('GRANT SELECT, INSERT, UPDATE ON fence_guard TO writer');
    const asWriter = (token: number) =>
      inTransaction(async () => {
        await client.query('SET LOCAL ROLE writer');
        const query = async (text: string, values: unknown[]) =>
          (await client.query(text, values)).rows;
        await guard.assertFence(query, 'invoice:42', token);
      });
    await asWriter(NEW);
    await expect(asWriter(OLD)).rejects.toThrow(StaleFencingTokenError);
  });

  it('may stand in a schema, with capital letters', async () => {
    const billing = new FenceGuard({ dialect: 'postgres', table: 'billing.FenceGuard' });
    await client.query(billing.migration);
    await assertFence('invoice:42', NEW, billing);
    await expect(assertFence('invoice:42', OLD, billing)).rejects.toThrow(StaleFencingTokenError);
    await assertFence('invoice:42', OLD); // another table knows nothing of it
  });

  it.each([
    { what: 'capitals from small letters', one: 'Invoice:42', other: 'invoice:42' },
    { what: 'one character from two that look like it', one: '\u00e9', other: 'e\u0301' },
    { what: 'a blank from none', one: 'a ', other: 'a' },
    { what: 'emoji from each other', one: '🔒', other: '🔑' },
    { what: 'SQL from placeholders', one: `'; DROP TABLE fence_guard; --`, other: '$1' },
    { what: 'one backslash from two', one: '\\', other: '\\\\' },
    { what: 'long names by their ends', one: 'x'.repeat(1024), other: 'x'.repeat(1023) },
  ])('tells $what', async ({ one, other }) => {
    await assertFence(one, NEW);
    await assertFence(other, OLD);
    await expect(assertFence(one, OLD)).rejects.toMatchObject({
      resource: one,
      fencingToken: OLD,
      newestToken: NEW,
    });
  });

  it('compares numbers, of any length', async () => {
    await assertFence('a', 9);
    await assertFence('a', 10);
    await expect(assertFence('a', 9)).rejects.toThrow(StaleFencingTokenError);
    await assertFence('a', Number.MAX_SAFE_INTEGER);
    await expect(assertFence('a', Number.MAX_SAFE_INTEGER - 1)).rejects.toThrow(
      StaleFencingTokenError,
    );
  });

  it('tells when a fence was last raised, so that old ones can be deleted', async () => {
    const updatedAt = async () =>
      Number((await client.query('SELECT updated_at FROM fence_guard')).rows[0].updated_at);
    await assertFence('a', NEW);
    const first = await updatedAt();
    await client.query(`UPDATE fence_guard SET updated_at = '2020-01-01'`);
    await expect(assertFence('a', OLD)).rejects.toThrow(StaleFencingTokenError);
    expect(await updatedAt()).toBeLessThan(first);
    await assertFence('a', NEW);
    expect(await updatedAt()).toBeGreaterThanOrEqual(first);
  });

  it('is missed with the error of the server', async () => {
    const missing = new FenceGuard({ dialect: 'postgres', table: 'nowhere' });
    await expect(assertFence('a', 1, missing)).rejects.toMatchObject({ code: '42P01' });
  });

  it('is not trusted when a trigger or a rule keeps the fence from it', async () => {
    const ruled = new FenceGuard({ dialect: 'postgres', table: 'ruled' });
    await client.query(`${ruled.migration};
      CREATE OR REPLACE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
      CREATE TRIGGER keep BEFORE INSERT ON ruled FOR EACH ROW EXECUTE FUNCTION keep()`);
    await expect(assertFence('a', 1, ruled)).rejects.toThrow('"a" has no row in "ruled"');
    await client.query('ALTER TABLE ruled DISABLE TRIGGER keep');
    await assertFence('a', 1, ruled);
    await client.query('ALTER TABLE ruled ENABLE TRIGGER keep');
    await expect(assertFence('a', 2, ruled)).rejects.toThrow(
      'Whether the token 2 may write to "a" is not clear: its fence in "ruled" is at 1, and was not raised.',
    );
  });
});

describe('the column', () => {
  const UUID = '6f1c2a52-0b5f-4f0e-9d3f-0a4d0a7a7f10';

  it.each<[string, string | number | bigint, string | number | bigint]>([
    ['int', 42, 43],
    ['bigint', 9_007_199_254_740_993n, 9_007_199_254_740_992n],
    ['bigint', '9007199254740993', '9007199254740992'],
    ['text', 'Invoice 42', 'invoice 42'],
    ['text', 42, '042'],
    ['uuid', UUID, UUID.replace('6', '7')],
  ])('fences a row by a key of type %s, as %p', async (type, key, other) => {
    await client.query('DROP TABLE IF EXISTS billing."Invoice"');
    await client.query(`CREATE TABLE billing."Invoice" ("invoiceId" ${type} PRIMARY KEY)`);
    await client.query('INSERT INTO billing."Invoice" VALUES ($1), ($2)', [key, other]);
    const table = 'billing.Invoice';
    const column = new FenceColumn({ dialect: 'postgres', table, key: 'invoiceId', fence: 'seen' });
    await client.query(column.migration);
    await client.query(column.migration);
    const assertFence = (row: typeof key, token: number) =>
      inTransaction(() => column.assertFence(client, row, token));
    await assertFence(key, NEW);
    await assertFence(other, OLD);
    await expect(assertFence(key, OLD)).rejects.toMatchObject({
      name: 'StaleFencingTokenError',
      resource: `billing.Invoice:${key}`,
      fencingToken: OLD,
      newestToken: NEW,
    });
  });

  describe('of a table', () => {
    const column = new FenceColumn({ dialect: 'postgres', table: 'invoice' });
    const assertFence = (key: number, token: number) =>
      inTransaction(() => column.assertFence(client, key, token));

    beforeEach(async () => {
      await client.query('DROP TABLE IF EXISTS invoice');
      await client.query('CREATE TABLE invoice (id int, status text)');
      await client.query(`INSERT INTO invoice VALUES (42, 'draft')`);
      await client.query(column.migration);
    });

    it('is 0 in rows from before, so that any token passes', async () => {
      await expect(assertFence(42, 1)).resolves.toBeUndefined();
    });

    it('says that there is no such row', async () => {
      const missing = assertFence(43, 1);
      await expect(missing).rejects.toThrow(FencedRowMissingError);
      await expect(missing).rejects.toMatchObject({ table: 'invoice', key: 43 });
    });

    it('does not take NULL for a fence', async () => {
      await client.query('ALTER TABLE invoice ALTER fence DROP NOT NULL');
      await client.query('UPDATE invoice SET fence = NULL');
      await expect(assertFence(42, 1)).rejects.toThrow(
        'The fence of "invoice:42" is NULL, which no token is compared with; make its column NOT NULL DEFAULT 0.',
      );
    });

    it('does not take a key that several rows have', async () => {
      await client.query(`INSERT INTO invoice VALUES (42, 'draft')`);
      await expect(assertFence(42, 1)).rejects.toThrow(
        '2 rows of "invoice" are "invoice:42"; a fence stands in one: name a column that is unique.',
      );
      const { rows } = await client.query('SELECT fence FROM invoice');
      expect(rows).toEqual([{ fence: '0' }, { fence: '0' }]);
    });

    it('may be compared in the UPDATE itself', async () => {
      const issue = async (token: number) => {
        const { rowCount } = await client.query(
          `UPDATE invoice SET status = 'issued', fence = $1 WHERE id = $2 AND fence <= $1`,
          [token, 42],
        );
        assertFenced(rowCount, 'invoice:42', token);
      };
      await issue(NEW);
      await issue(NEW);
      await expect(issue(OLD)).rejects.toMatchObject({
        name: 'StaleFencingTokenError',
        resource: 'invoice:42',
        fencingToken: OLD,
        newestToken: null,
      });
    });
  });
});
