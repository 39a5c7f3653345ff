import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { findOrInstallServer, REDIS } from '../../scripts/server-binary.mjs';
import { onCpu } from './cpus.mjs';

async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  await once(probe, 'close');
  return port;
}

/** Ends with this process, even by SIGKILL: its input closes then. */
const watch = (pid, directory) =>
  spawn('sh', ['-c', 'read -r _; kill -9 "$0"; rm -rf "$1"', String(pid), directory], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });

/** Fresh servers that know nothing of each other; the last one's failure stops those before it. */
export async function startRedisNodes(count, cpu) {
  const nodes = [];
  try {
    // One after the other: a port that was free is taken before the next one is looked for.
    while (nodes.length < count) nodes.push(await startRedis(cpu));
    return nodes;
  } catch (error) {
    await Promise.all(nodes.map((node) => node.stop()));
    throw error;
  }
}

/**
 * A fresh server that keeps nothing on disk, with a client for what the bench itself asks. It can be
 * killed, and made to stand still; `endsByItself` rejects if it does.
 */
export async function startRedis(cpu) {
  const port = await freePort();
  const directory = mkdtempSync(join(tmpdir(), 'bench-redis-'));
  const args = ['--port', port, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
  const [command, ...rest] = onCpu(cpu, [findOrInstallServer(REDIS), ...args.map(String)]);
  const server = spawn(command, rest, { cwd: directory, stdio: 'ignore', detached: true });
  const exited = once(server, 'exit');
  const watcher = watch(server.pid, directory);
  const client = new Redis({ port, retryStrategy: () => 10, maxRetriesPerRequest: null });
  client.on('error', () => undefined); // until it answers

  let isWanted = true;
  const endsByItself = exited.then(() => {
    if (isWanted) throw new Error('a redis-server ended by itself');
    return new Promise(() => undefined);
  });
  endsByItself.catch(() => undefined);

  const kill = async () => {
    isWanted = false;
    client.disconnect();
    server.kill('SIGKILL');
    await exited;
  };
  const standStill = async () => {
    server.kill('SIGSTOP');
  };
  const stop = async () => {
    await kill();
    watcher.kill('SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  };
  // Somebody else's server may have taken the port.
  const isOurs = client.info('server').then((info) => info.includes(`process_id:${server.pid}\r`));
  const isUp = await Promise.race([isOurs, exited.then(() => false)]);
  if (isUp) {
    return { url: `redis://127.0.0.1:${port}`, client, kill, standStill, stop, endsByItself };
  }
  await stop();
  throw new Error('redis-server does not start');
}
