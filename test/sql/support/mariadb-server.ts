import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createConnection } from 'mysql2/promise';
import { HOST, type Place, type ServerDefinition, ServerProcess } from './server-process.js';

export interface MariadbServerOptions {
  /** Options beside those every server here gets, such as `{ 'innodb-lock-wait-timeout': 1 }`. */
  settings?: Readonly<Record<string, string | number>>;
}

const QUICK = {
  'innodb-flush-log-at-trx-commit': 0,
  'innodb-flush-method': 'nosync',
  'innodb-buffer-pool-size': '32M',
  'innodb-log-file-size': '8M',
  'max-connections': 50,
};

/** It is the packaged default; an older server's own is latin1. */
const CHARACTERS = { 'character-set-server': 'utf8mb4' };

function installProgram(server: string): string {
  const name = 'mariadb-install-db';
  const found = ['.', '../bin', '../scripts']
    .map((directory) => join(dirname(server), directory, name))
    .find((path) => existsSync(path));
  if (!found) throw new Error(`there is no ${name} beside ${server}`);
  return found;
}

const define =
  ({ settings }: MariadbServerOptions) =>
  ({ directory, data }: Place): ServerDefinition => {
    const server = process.env.MARIADB_SERVER;
    if (!server) {
      throw new Error(
        'MARIADB_SERVER is not set: run the tests through scripts/with-redis.mjs --server',
      );
    }
    const commandLine = (options: Record<string, string | number>) => [
      // Those of the machine are none of the test's.
      '--no-defaults',
      '--skip-name-resolve',
      ...Object.entries(options).map(([name, value]) => `--${name}=${value}`),
    ];
    return {
      initialize: {
        file: installProgram(server),
        args: commandLine({ ...QUICK, datadir: data, 'auth-root-authentication-method': 'normal' })
          // No database for anybody to write to.
          .concat('--skip-test-db'),
      },
      listen: (port) => ({
        file: server,
        args: commandLine({
          ...QUICK,
          ...CHARACTERS,
          ...settings,
          datadir: data,
          'bind-address': HOST,
          port,
          socket: join(directory, 'socket'),
          'pid-file': join(directory, 'pid'),
        }),
      }),
      ready: /ready for connections/,
      end: 'SIGKILL',
    };
  };

/** A MariaDB server of the test's own, on loopback, that forgets all when it ends. */
export class MariadbServer {
  /** Starts one without a database, resolved when it answers. */
  static async start(options: MariadbServerOptions = {}): Promise<MariadbServer> {
    return new MariadbServer(await ServerProcess.start(define(options)));
  }

  private databases = 0;

  private constructor(private readonly server: ServerProcess) {}

  get port(): number {
    return this.server.port;
  }

  /** For its superuser; it names no database. */
  get url(): string {
    return this.urlOf('');
  }

  /** The URL of a new, empty database. */
  async createDatabase(options = ''): Promise<string> {
    const name = `test_${++this.databases}`;
    const connection = await createConnection(this.url);
    try {
      await connection.query(`CREATE DATABASE ${name} ${options}`);
    } finally {
      await connection.end();
    }
    return this.urlOf(name);
  }

  /** Ends it; connections that are still open are cut. */
  async stop(): Promise<void> {
    await this.server.stop();
  }

  private urlOf(database: string): string {
    return `mysql://root@${HOST}:${this.port}/${database}`;
  }
}
