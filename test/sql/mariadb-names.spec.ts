import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { FenceColumn } from '../../lib/fencing/sql/fence-column.js';
import { FenceGuard } from '../../lib/fencing/sql/fence-guard.js';
import type { SqlTransaction } from '../../lib/fencing/sql/sql-transaction.js';
import { MariadbServer } from './support/mariadb-server.js';
import { type Client, CLIENTS, MariadbSession } from './support/mariadb-session.js';
import './support/patience.js';

/** Groups that some collation takes for one, and what some way of quoting gets wrong. */
const NAMES = [
  ['invoice:a', 'invoice:A', 'invoice:a ', 'invoice:a  ', ' invoice:a', 'invoice:a\0'],
  ['ä', 'Ä', 'a\u0308', 'a', 'ß', 'ss', 'ı', 'i', 'é', 'É', 'e'],
  ['😀', '🙂', '👩‍👩‍👧', '日本', '日本 '],
  [
    "it's",
    "it''s",
    "it\\'s",
    "'",
    '"',
    '`',
    '\\',
    '\\\\',
    "a' OR 'a' = 'a",
    "x'; DROP TABLE t; --",
  ],
  ['%', '_', '?', '??', ':name', '$1', '1', '01', '1.0', '\n', '\r\n', '\u001a', 'NULL'],
  // Their UTF-8 has a byte before the last that is the first half of a character in GBK.
  ["€'", '€\\', "À'"],
  ['x'.repeat(1024), `${'x'.repeat(1023)}y`],
].flat();

const guard = new FenceGuard({ dialect: 'mariadb' });

let server: MariadbServer;
beforeAll(async () => {
  server = await MariadbServer.start();
});
afterAll(() => server?.stop());

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function open(client: Client, url: string): Promise<MariadbSession> {
  const session = await MariadbSession.open(client, url);
  cleanups.push(() => session.close());
  return session;
}

async function committed(
  session: MariadbSession,
  work: (tx: SqlTransaction) => Promise<void>,
): Promise<void> {
  await session.begin('READ COMMITTED');
  try {
    await work(session.connection as SqlTransaction);
    await session.commit();
  } catch (error) {
    await session.rollback();
    throw error;
  }
}

/** What has a say in how texts are sent, compared and stored. */
interface Surroundings {
  name: string;
  /** Of the database. */
  charset?: string;
  /** Of the connection's URL. */
  parameters?: string;
  sqlMode?: string;
  /** What the server says of it. */
  shows: string;
}

const SURROUNDINGS: Surroundings[] = [
  { name: 'a database of UTF-8', shows: 'utf8mb4 utf8mb4' },
  { name: 'a database of Latin-1', charset: 'latin1', shows: 'latin1 utf8mb4' },
  { name: 'a connection of Latin-1', parameters: '?charset=latin1', shows: 'utf8mb4 latin1' },
  { name: 'a connection of GBK', parameters: '?charset=gbk', shows: 'utf8mb4 gbk' },
  {
    name: 'a connection without backslash escapes',
    sqlMode: 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES',
    shows: 'utf8mb4 utf8mb4',
  },
];

describe.each(CLIENTS)('$name', (client) => {
  it.each(SURROUNDINGS)(
    'tells all names apart in $name',
    async ({ charset = 'utf8mb4', parameters = '', sqlMode = '', shows }) => {
      const url = await server.createDatabase(`CHARACTER SET ${charset}`);
      const session = await open(client, url + parameters);
      await session.rows('SET SESSION sql_mode = ?', sqlMode);
      const shown =
        'SELECT CONCAT(@@character_set_database, 0x20, @@character_set_client) AS shown';
      expect(await session.rows(shown)).toEqual([{ shown: shows }]);
      await session.rows(guard.migration);

      // Ever smaller tokens: of two names that were one, the later would be stale.
      for (const [index, name] of NAMES.entries()) {
        await committed(session, (tx) => guard.assertFence(tx, name, NAMES.length - index));
      }
      const stored = await session.rows(
        'SELECT HEX(resource) AS name FROM fence_guard ORDER BY fence DESC',
      );
      const expected = NAMES.map((name) => Buffer.from(name).toString('hex').toUpperCase());
      expect(stored.map(({ name }) => name)).toEqual(expected);
      // The last one has had it.
      for (const resource of NAMES.slice(0, -1)) {
        await expect(
          committed(session, (tx) => guard.assertFence(tx, resource, 1)),
        ).rejects.toMatchObject({ name: 'StaleFencingTokenError', resource });
      }
    },
  );

  it('makes a table and a column that can be made again', async () => {
    const session = await open(client, await server.createDatabase('CHARACTER SET latin1'));
    await session.rows('SET SESSION default_storage_engine = MyISAM');
    await session.rows('CREATE TABLE invoice (id INT PRIMARY KEY, status TEXT) ENGINE=InnoDB');
    await session.rows('INSERT INTO invoice (id) VALUES (42)');
    const column = new FenceColumn({ dialect: 'mariadb', table: 'invoice' });
    for (const token of [1, 2]) {
      await session.rows(guard.migration);
      await session.rows(column.migration);
      await committed(session, async (tx) => {
        await guard.assertFence(tx, 'invoice:42', token);
        await column.assertFence(tx, 42, token);
      });
    }
    const [fences] = await session.rows(
      'SELECT g.fence AS g, i.fence AS i FROM fence_guard g, invoice i',
    );
    expect([Number(fences?.g), Number(fences?.i)]).toEqual([2, 2]);
    const engines = await session.rows(
      `SELECT engine AS engine FROM information_schema.tables WHERE table_schema = database()`,
    );
    expect(engines.map(({ engine }) => engine)).toEqual(['InnoDB', 'InnoDB']);
  });

  it('fences the very row of a key that a number would mean several of', async () => {
    const session = await open(client, await server.createDatabase());
    await session.rows('CREATE TABLE invoice (id VARCHAR(20) PRIMARY KEY)');
    await session.rows(
      `INSERT INTO invoice (id) VALUES ('42'), ('042'), ('42a'), ('9007199254740993')`,
    );
    const column = new FenceColumn({ dialect: 'mariadb', table: 'invoice' });
    await session.rows(column.migration);
    await committed(session, (tx) => column.assertFence(tx, 42, 7));
    await committed(session, (tx) => column.assertFence(tx, 9007199254740993n, 8));
    const fences = await session.rows(
      'SELECT id, fence FROM invoice WHERE fence > 0 ORDER BY fence',
    );
    expect(fences.map(({ id, fence }) => [id, Number(fence)])).toEqual([
      ['42', 7],
      ['9007199254740993', 8],
    ]);
  });

  it('keeps the largest token exactly', async () => {
    const session = await open(client, await server.createDatabase());
    await session.rows(guard.migration);
    const largest = Number.MAX_SAFE_INTEGER;
    const assert = (token: number) => committed(session, (tx) => guard.assertFence(tx, 'a', token));
    await assert(largest - 1);
    await assert(largest);
    await expect(assert(largest - 1)).rejects.toMatchObject({ newestToken: largest });
  });
});
