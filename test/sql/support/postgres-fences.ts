import pg from 'pg';
import { FenceColumn } from '../../../lib/fencing/sql/fence-column.js';
import { FenceGuard } from '../../../lib/fencing/sql/fence-guard.js';
import { type Isolation, PostgresSession } from './postgres-session.js';
import { PostgresServer } from './postgres-server.js';

export const ISOLATIONS: readonly Isolation[] = [
  'READ COMMITTED',
  'REPEATABLE READ',
  'SERIALIZABLE',
];

/** How a write to a document is fenced. */
export type AssertFence = (
  session: PostgresSession,
  document: string,
  token: number,
) => Promise<void>;

const guard = new FenceGuard({ dialect: 'postgres' });
const column = new FenceColumn({ dialect: 'postgres', table: 'document' });

export interface FenceForm {
  readonly name: string;
  readonly assertFence: AssertFence;
  /** Reads a stored fence. */
  readonly fenceOf: string;
  /** Runs before each test. */
  readonly prepare?: string;
}

const GUARD: FenceForm = {
  name: 'the guard table',
  assertFence: ({ client }, document, token) => guard.assertFence(client, document, token),
  fenceOf: 'SELECT fence FROM fence_guard WHERE resource = $1',
};

export const FORMS: readonly FenceForm[] = [
  GUARD,
  {
    ...GUARD,
    name: 'the guard table, with fences from before',
    prepare: 'INSERT INTO fence_guard (resource, fence) SELECT id, 1 FROM document',
  },
  {
    name: 'the column',
    assertFence: ({ client }, document, token) => column.assertFence(client, document, token),
    fenceOf: 'SELECT fence FROM document WHERE id = $1',
  },
];

/** Documents that know by whose tokens they were written, in the order of the commits. */
export class FencedDatabase {
  static async start(): Promise<FencedDatabase> {
    // Deadlocks are looked for sooner than by default (1 s).
    const server = await PostgresServer.start({ settings: { deadlock_timeout: '20ms' } });
    const url = await server.createDatabase();
    const monitor = new pg.Client(url);
    await monitor.connect();
    await monitor.query(
      `CREATE TABLE document (id text PRIMARY KEY, tokens bigint[] NOT NULL DEFAULT '{}')`,
    );
    await monitor.query(guard.migration);
    await monitor.query(column.migration);
    return new FencedDatabase(server, url, monitor);
  }

  private readonly sessions: PostgresSession[] = [];

  private constructor(
    private readonly server: PostgresServer,
    readonly url: string,
    readonly monitor: pg.Client,
  ) {}

  /** Forgets all fences, and makes these documents. */
  async reset(documents: readonly string[], form?: FenceForm): Promise<void> {
    // TRUNCATE would have to make new files.
    await this.monitor.query('DELETE FROM document; DELETE FROM fence_guard');
    await this.monitor.query('INSERT INTO document (id) SELECT unnest($1::text[])', [documents]);
    if (form?.prepare) await this.monitor.query(form.prepare);
  }

  async session(): Promise<PostgresSession> {
    const session = await PostgresSession.open(this.url, this.monitor);
    this.sessions.push(session);
    return session;
  }

  /** Whose tokens a document was written with, as committed. */
  async tokensOf(document: string): Promise<number[]> {
    const { rows } = await this.monitor.query('SELECT tokens FROM document WHERE id = $1', [
      document,
    ]);
    return rows[0].tokens.map(Number);
  }

  /** The committed fence; `undefined` if there is none. */
  async fenceOf(form: FenceForm, document: string): Promise<number | undefined> {
    const { rows } = await this.monitor.query(form.fenceOf, [document]);
    return rows[0] && Number(rows[0].fence);
  }

  async stop(): Promise<void> {
    await Promise.all(this.sessions.map((session) => session.close()));
    await this.monitor.end();
    await this.server.stop();
  }
}

/** Adds a token to what was read, as applications do: whoever wrote in between is lost. */
export async function write(
  session: PostgresSession,
  document: string,
  read: readonly number[],
  token: number,
): Promise<void> {
  await session.client.query('UPDATE document SET tokens = $2 WHERE id = $1', [
    document,
    [...read, token],
  ]);
}

export async function read(session: PostgresSession, document: string): Promise<number[]> {
  const { tokens } = await session.row('SELECT tokens FROM document WHERE id = $1', document);
  return tokens.map(Number);
}
