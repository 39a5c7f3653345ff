import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from '@jest/globals';
import { transformFileSync } from '@swc/core';
import { createConnection } from 'mysql2/promise';
import pg from 'pg';
import { until } from '../support/until.js';
import { MariadbServer } from './support/mariadb-server.js';
import './support/patience.js';
import { PostgresServer } from './support/postgres-server.js';
import { HOST } from './support/server-process.js';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function listens(port: number): Promise<boolean> {
  const socket = connect(port, HOST);
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

interface Client {
  query(statement: string): Promise<unknown>;
  end(): Promise<void>;
}

const postgresClient = async (url: string): Promise<Client> => {
  const client = new pg.Client(url);
  await client.connect();
  return client;
};

const KINDS = [
  {
    name: 'PostgreSQL',
    Server: PostgresServer,
    connected: postgresClient,
    version: /PostgreSQL 1/,
  },
  { name: 'MariaDB', Server: MariadbServer, connected: createConnection, version: /\d+-MariaDB/ },
];

describe('a server of the test', () => {
  it.each(KINDS)('is a $name that can be stopped', async ({ Server, connected, version }) => {
    const server = await Server.start();
    cleanups.push(() => server.stop());
    const ask = async (url: string, statement: string) => {
      const client = await connected(url);
      try {
        return JSON.stringify(await client.query(statement));
      } finally {
        await client.end();
      }
    };
    const [first, second] = [await server.createDatabase(), await server.createDatabase()];
    await ask(first, 'CREATE TABLE of_the_first (id int)');
    await ask(first, 'SELECT * FROM of_the_first');
    await expect(ask(second, 'SELECT * FROM of_the_first')).rejects.toThrow('exist');
    expect(await ask(server.url, 'SELECT version()')).toMatch(version);

    await server.stop();
    await server.stop();
    expect(await listens(server.port)).toBe(false);
  });

  it('takes settings, and says why it does not start with them', async () => {
    const settings = { no_such_setting: 1 };
    await expect(PostgresServer.start({ settings })).rejects.toThrow(
      /postgres ended before it was ready:[^]*"no_such_setting"/,
    );
    await expect(MariadbServer.start({ settings })).rejects.toThrow(
      /mariadbd ended before it was ready:[^]*no_such_setting/,
    );
  });

  it('is gone with the process that started it, and its files too', async () => {
    const { program, directory } = compiled();
    // The servers, who may not be root, have to get to theirs.
    chmodSync(directory, 0o755);
    const starter = spawn(process.execPath, [program], {
      env: { ...process.env, TMPDIR: directory },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    cleanups.push(() => starter.kill('SIGKILL'));
    let told = '';
    starter.stdout.on('data', (chunk: Buffer) => (told += chunk.toString()));
    await until(() => told.endsWith('\n') || starter.exitCode !== null, {
      what: 'the servers are started',
      timeoutMs: 90_000,
    });
    const ports = JSON.parse(told) as number[];
    expect(await Promise.all(ports.map(listens))).toEqual([true, true]);
    expect(readdirSync(directory)).toHaveLength(2);

    starter.kill('SIGKILL');
    await until(() => readdirSync(directory).length === 0, {
      what: 'the files are gone',
      timeoutMs: 10_000,
    });
    expect(await Promise.all(ports.map(listens))).toEqual([false, false]);
  });
});

/** The program that starts servers, for Node alone, beside the packages it needs; a directory for its files. */
function compiled(): { program: string; directory: string } {
  const cache = fileURLToPath(new URL('node_modules/.cache/', import.meta.url));
  mkdirSync(cache, { recursive: true });
  const target = mkdtempSync(join(cache, 'nestjs-locker-'));
  const directory = mkdtempSync(join(tmpdir(), 'nestjs-locker-'));
  cleanups.push(() => [target, directory].forEach((path) => rmSync(path, { recursive: true })));

  const parts = ['sql/fixtures/starts-servers', 'support/until', 'support/free-port']
    .concat('support/die-together')
    .concat(
      [
        'mariadb-server',
        'plain-user',
        'postgres-binaries',
        'postgres-server',
        'server-process',
      ].map((name) => `sql/support/${name}`),
    );
  for (const part of parts) {
    const source = fileURLToPath(new URL(`../${part}.ts`, import.meta.url));
    const { code } = transformFileSync(source, {
      jsc: { target: 'es2022', parser: { syntax: 'typescript' } },
      module: { type: 'es6' },
    });
    mkdirSync(join(target, part, '..'), { recursive: true });
    writeFileSync(join(target, `${part}.js`), code);
  }
  writeFileSync(join(target, 'package.json'), '{"type":"module"}');
  return { program: join(target, `${parts[0]}.js`), directory };
}
