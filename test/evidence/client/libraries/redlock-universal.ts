import type { LockSettings } from '../plan.js';
import { connectTo, importOther } from './clients.js';
import { Busy, type Locks, RETRY_MS } from './library.js';
import { holdWithin } from './routine.js';

interface UniversalLock {
  using(routine: (signal: AbortSignal) => Promise<void>): Promise<unknown>;
}

interface Package {
  IoredisAdapter: new (client: unknown) => unknown;
  createLock(options: object): UniversalLock;
  createRedlock(options: object): UniversalLock;
}

export async function openLocks({ connection, ttlMs, waitMs }: LockSettings): Promise<Locks> {
  const universal = await importOther<Package>('redlock-universal');
  const clients = connectTo(connection);
  const adapters = clients.map((client) => new universal.IoredisAdapter(client));
  const settings = {
    ttl: ttlMs,
    retryDelay: RETRY_MS,
    retryAttempts: Math.ceil(waitMs / RETRY_MS),
  };
  const create = (key: string) =>
    connection.kind === 'nodes'
      ? universal.createRedlock({ ...settings, key, adapters })
      : universal.createLock({ ...settings, key, adapter: adapters[0] });
  return {
    async acquire(name) {
      try {
        return await holdWithin((routine) => create(name).using(routine));
      } catch (error) {
        const isBusy = /already locked|after \d+ attempts|failed to acquire/i.test(String(error));
        throw isBusy ? new Busy() : error;
      }
    },
    close: async () => clients.forEach((client) => client.disconnect()),
  };
}
