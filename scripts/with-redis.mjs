// node scripts/with-redis.mjs [--server] <command> [args…]
//
// Runs the command with REDIS_URL (a Redis that answers) and REDIS_SERVER (a binary to start more).
// A REDIS_URL that is already set is used as it is. --server is for tests, which start servers of their
// own: it demands the binary even then, and MARIADB_SERVER, PROMETHEUS, CHROMIUM and CC with it.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  C_COMPILER,
  CHROMIUM,
  findOrInstallServer,
  findServer,
  MARIADB,
  PROMETHEUS,
  REDIS,
} from './server-binary.mjs';

const freePort = () =>
  new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });

const answersPing = (port) =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write('PING\r\n'));
    const settle = (answer) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(500, () => settle(false));
    socket.once('error', () => settle(false));
    socket.once('close', () => settle(false));
    socket.once('data', (data) => settle(data.toString().startsWith('+PONG')));
  });

/** A server of our own, or undefined when it ended before it answered (its port was taken, say). */
const tryServer = async (binary) => {
  const port = await freePort();
  const directory = mkdtempSync(join(tmpdir(), 'nestjs-locker-'));
  const server = spawn(
    binary,
    ['--port', port, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'].map(String),
    // Detached: Ctrl-C goes to the command alone, which may need Redis to shut down.
    { cwd: directory, stdio: 'ignore', detached: true },
  );
  let failure;
  server.once('error', (error) => (failure = error));
  const closed = new Promise((resolve) => server.once('close', resolve));
  const isRunning = () => server.exitCode === null && server.signalCode === null;
  // Its input closes when this process is gone, even by SIGKILL: then the server goes too.
  const watcher =
    server.pid &&
    spawn('sh', ['-c', 'read -r _; kill -9 "$0"; rm -rf "$1"', String(server.pid), directory], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
    });
  const stop = async () => {
    server.kill('SIGKILL');
    await closed;
    watcher?.kill('SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  };

  const deadline = Date.now() + 10_000;
  while (isRunning() && Date.now() < deadline) {
    if ((await answersPing(port)) && isRunning()) return { url: `redis://127.0.0.1:${port}`, stop };
    await Promise.race([sleep(20), closed]);
  }
  await stop();
  if (failure) throw failure;
};

const startServer = async (binary) => {
  for (let attempt = 0; attempt < 5; attempt++) {
    const server = await tryServer(binary);
    if (server) return server;
  }
  throw new Error(`${binary} does not start`);
};

const run = (command, args, env) =>
  new Promise((resolve) => {
    const child = spawn(command, args, { stdio: 'inherit', env: { ...process.env, ...env } });
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
      process.on(signal, () => {
        // A terminal sends Ctrl-C to the command as well: twice would be "quit at once" to many.
        if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
      });
    }
    child.once('error', (error) => {
      console.error(`${command}: ${error.message}`);
      resolve(127);
    });
    child.once('exit', (code, signal) => resolve(code ?? 128 + constants.signals[signal]));
  });

const main = async ([first, ...rest]) => {
  const needsServers = first === '--server';
  const [command, ...args] = needsServers ? rest : [first, ...rest];
  if (!command) throw new Error('Usage: node scripts/with-redis.mjs [--server] <command> [args…]');

  const url = process.env.REDIS_URL;
  const binary = url && !needsServers ? findServer(REDIS) : findOrInstallServer(REDIS);
  const mariadb = needsServers && findOrInstallServer(MARIADB);
  const prometheus = needsServers && findOrInstallServer(PROMETHEUS);
  const chromium = needsServers && findOrInstallServer(CHROMIUM);
  const compiler = needsServers && findOrInstallServer(C_COMPILER);
  const server = url ? undefined : await startServer(binary);
  try {
    return await run(command, args, {
      REDIS_URL: url || server.url,
      ...(binary && { [REDIS.variable]: binary }),
      ...(mariadb && { [MARIADB.variable]: mariadb }),
      ...(prometheus && { [PROMETHEUS.variable]: prometheus }),
      ...(chromium && { [CHROMIUM.variable]: chromium }),
      ...(compiler && { [C_COMPILER.variable]: compiler }),
    });
  } finally {
    await server?.stop();
  }
};

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
