import { join } from 'node:path';
import pg from 'pg';
import { postgresBinaries } from './postgres-binaries.js';
import { HOST, type Place, type ServerDefinition, ServerProcess } from './server-process.js';

export interface PostgresServerOptions {
  /** Settings beside those every server here gets, such as `{ deadlock_timeout: '100ms' }`. */
  settings?: Readonly<Record<string, string | number>>;
}

const QUICK = {
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  shared_buffers: '32MB',
  max_connections: 50,
};

const define =
  (options: PostgresServerOptions) =>
  (place: Place): ServerDefinition => {
    const { data } = place;
    const programs = postgresBinaries(place);
    return {
      initialize: {
        file: join(programs, 'initdb'),
        args: ['-D', data, '--username=postgres', '--auth=trust', '--encoding=UTF8', '--locale=C']
          // It is to last as long as the test.
          .concat('--no-sync', '--no-instructions'),
      },
      listen: (port) => {
        const own = { listen_addresses: HOST, port, unix_socket_directories: '' };
        const settings = Object.entries({ ...QUICK, ...options.settings, ...own });
        return {
          file: join(programs, 'postgres'),
          args: ['-D', data, ...settings.flatMap(([name, value]) => ['-c', `${name}=${value}`])],
        };
      },
      ready: /database system is ready to accept connections/,
      // An immediate shutdown: SIGKILL would leave the backends to themselves.
      end: 'SIGQUIT',
    };
  };

/** A PostgreSQL server of the test's own, on loopback, that forgets all when it ends. */
export class PostgresServer {
  /** Starts one with an empty database, resolved when it answers. */
  static async start(options: PostgresServerOptions = {}): Promise<PostgresServer> {
    return new PostgresServer(await ServerProcess.start(define(options)));
  }

  private databases = 0;

  private constructor(private readonly server: ServerProcess) {}

  get port(): number {
    return this.server.port;
  }

  /** Of the database "postgres", for its superuser. */
  get url(): string {
    return this.urlOf('postgres');
  }

  /** The URL of a new, empty database. */
  async createDatabase(): Promise<string> {
    const name = `test_${++this.databases}`;
    const client = new pg.Client({ connectionString: this.url });
    await client.connect();
    try {
      await client.query(`CREATE DATABASE ${name}`);
    } finally {
      await client.end();
    }
    return this.urlOf(name);
  }

  /** Ends it; connections that are still open are cut. */
  async stop(): Promise<void> {
    await this.server.stop();
  }

  private urlOf(database: string): string {
    return `postgres://postgres@${HOST}:${this.port}/${database}`;
  }
}
