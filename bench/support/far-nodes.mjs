// Puts servers a while away: what they answer arrives so much later. A process of its own, so that neither the
// client nor the servers do its work; started with the milliseconds and the ports, it tells ports of its own.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { fileURLToPath } from 'node:url';

const SELF = fileURLToPath(import.meta.url);

/** @returns {Promise<{ urls: string[], stop: () => Promise<void> }>} */
export async function farNodes(urls, awayMs) {
  const ports = urls.map((url) => new URL(url).port);
  const child = fork(SELF, [String(awayMs), ...ports]);
  const ended = once(child, 'exit');
  const [told] = await Promise.race([
    once(child, 'message'),
    ended.then(() => Promise.reject(new Error('the way to far nodes does not start'))),
  ]);
  const stop = async () => {
    child.kill('SIGKILL');
    await ended;
  };
  return { urls: told.map((port) => `redis://127.0.0.1:${port}`), stop };
}

async function serve([awayMs, ...ports]) {
  const servers = ports.map((port) =>
    createServer({ noDelay: true }, (client) => {
      const server = connect({ port: Number(port), host: '127.0.0.1', noDelay: true });
      client.pipe(server);
      // Timers of the same length keep their order.
      server.on('data', (data) => setTimeout(() => client.write(data), Number(awayMs)));
      const end = () => {
        client.destroy();
        server.destroy();
      };
      for (const side of [client, server]) side.on('error', end).on('close', end);
    }).listen(0, '127.0.0.1'),
  );
  await Promise.all(servers.map((server) => once(server, 'listening')));
  process.send(servers.map((server) => server.address().port));
}

if (process.argv[1] === SELF) {
  process.on('disconnect', () => process.exit());
  await serve(process.argv.slice(2));
}
