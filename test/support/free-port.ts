import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/**
 * Below the range that outgoing connections draw from: there, a client that keeps trying to
 * reconnect to a killed server can end up connected to itself and keep the port. And low enough
 * for a cluster bus at port + 10000.
 */
export async function freePort(host: string): Promise<number> {
  for (let attempt = 0; attempt < 50; attempt++) {
    const port = randomInt(10_000, 22_000);
    const probe = createServer();
    try {
      probe.listen(port, host);
      await once(probe, 'listening');
      return port;
    } catch {
      // Taken.
    } finally {
      probe.close();
    }
  }
  throw new Error('no free port found');
}
