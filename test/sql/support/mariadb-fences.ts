import { FenceColumn } from '../../../lib/fencing/sql/fence-column.js';
import { FenceGuard } from '../../../lib/fencing/sql/fence-guard.js';
import type { SqlTransaction } from '../../../lib/fencing/sql/sql-transaction.js';
import { MariadbServer } from './mariadb-server.js';
import { type Client, CLIENTS, MariadbSession } from './mariadb-session.js';

/** How a write to a document is fenced. */
export type AssertFence = (
  session: MariadbSession,
  document: string,
  token: number,
) => Promise<void>;

export const guard = new FenceGuard({ dialect: 'mariadb' });
export const column = new FenceColumn({ dialect: 'mariadb', table: 'document' });

export interface FenceForm {
  readonly name: string;
  readonly assertFence: AssertFence;
  /** By any client. */
  assertFenceBy(tx: SqlTransaction, document: string, token: number): Promise<void>;
  /** Reads a stored fence. */
  readonly fenceOf: string;
  /** Runs before each test. */
  readonly prepare?: string;
}

const transaction = ({ connection }: MariadbSession) => connection as SqlTransaction;

export const GUARD: FenceForm = {
  name: 'the guard table',
  assertFence: (session, document, token) =>
    guard.assertFence(transaction(session), document, token),
  assertFenceBy: (tx, document, token) => guard.assertFence(tx, document, token),
  fenceOf: 'SELECT fence FROM fence_guard WHERE resource = ?',
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
    assertFence: (session, document, token) =>
      column.assertFence(transaction(session), document, token),
    assertFenceBy: (tx, document, token) => column.assertFence(tx, document, token),
    fenceOf: 'SELECT fence FROM document WHERE id = ?',
  },
];

/** Documents that know by whose token they were written last. */
export class FencedDatabase {
  static async start(): Promise<FencedDatabase> {
    const server = await MariadbServer.start();
    const url = await server.createDatabase();
    const monitor = await MariadbSession.open(CLIENTS[0]!, url);
    await monitor.rows('CREATE TABLE document (id VARCHAR(100) PRIMARY KEY, token BIGINT)');
    await monitor.rows(guard.migration);
    await monitor.rows(column.migration);
    return new FencedDatabase(server, url, monitor);
  }

  private readonly sessions: MariadbSession[] = [];

  private constructor(
    readonly server: MariadbServer,
    readonly url: string,
    readonly monitor: MariadbSession,
  ) {}

  /** Forgets all fences, and makes these documents. */
  async reset(documents: readonly string[], form?: FenceForm): Promise<void> {
    await this.monitor.rows('DELETE FROM document');
    await this.monitor.rows('DELETE FROM fence_guard');
    for (const id of documents) await this.monitor.rows('INSERT INTO document (id) VALUES (?)', id);
    if (form?.prepare) await this.monitor.rows(form.prepare);
  }

  async session(client: Client = CLIENTS[0]!): Promise<MariadbSession> {
    const session = await MariadbSession.open(client, this.url);
    this.sessions.push(session);
    return session;
  }

  /** Whose token a document was written with, as committed. */
  async writerOf(document: string): Promise<unknown> {
    const [row] = await this.monitor.rows('SELECT token FROM document WHERE id = ?', document);
    return row?.token;
  }

  /** The committed fence; `undefined` if there is none. */
  async fenceOf(form: FenceForm, document: string): Promise<unknown> {
    const [row] = await this.monitor.rows(form.fenceOf, Buffer.from(document));
    return row?.fence;
  }

  async closeSessions(): Promise<void> {
    await Promise.all(this.sessions.splice(0).map((session) => session.close()));
  }

  async stop(): Promise<void> {
    await this.closeSessions();
    await this.monitor.close();
    await this.server.stop();
  }
}

export async function write(session: MariadbSession, document: string, token: number) {
  await session.rows('UPDATE document SET token = ? WHERE id = ?', token, document);
}

export async function read(session: MariadbSession, document: string): Promise<number | null> {
  const [row] = await session.rows('SELECT token FROM document WHERE id = ?', document);
  return row && row.token !== null ? Number(row.token) : null;
}
