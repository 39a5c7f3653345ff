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

/** A fresh server that keeps nothing on disk, with a client for what the bench itself asks. */
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

  const stop = async () => {
    client.disconnect();
    server.kill('SIGKILL');
    await exited;
    watcher.kill('SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  };
  const isUp = await Promise.race([client.ping(), exited.then(() => false)]);
  if (isUp) return { url: `redis://127.0.0.1:${port}`, client, stop };
  await stop();
  throw new Error('redis-server does not start');
}
