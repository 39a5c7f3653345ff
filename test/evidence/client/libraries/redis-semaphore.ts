import type { LockSettings } from '../plan.js';
import { connectTo, importOther } from './clients.js';
import { Busy, type Held, type Locks, RETRY_MS } from './library.js';

interface Mutex {
  readonly isAcquired: boolean;
  acquire(): Promise<void>;
  release(): Promise<void>;
}

type Constructor = new (...args: unknown[]) => Mutex;

interface Package {
  Mutex: Constructor;
  RedlockMutex: Constructor;
  Semaphore: Constructor;
}

export async function openLocks({ connection, ttlMs, waitMs }: LockSettings): Promise<Locks> {
  const { Mutex, RedlockMutex, Semaphore } = await importOther<Package>('redis-semaphore');
  const clients = connectTo(connection);

  async function take(create: (options: object) => Mutex): Promise<Held> {
    const lost = new AbortController();
    const mutex = create({
      lockTimeout: ttlMs,
      acquireTimeout: waitMs,
      retryInterval: RETRY_MS,
      onLockLost: (error: Error) => lost.abort(error),
    });
    try {
      await mutex.acquire();
    } catch (error) {
      const isBusy = (error as Error).name === 'TimeoutError' || /timeout/i.test(String(error));
      throw isBusy ? new Busy() : error;
    }
    const release = async () => {
      await mutex.release();
      return 'released';
    };
    return { signal: lost.signal, isHeld: () => mutex.isAcquired, release };
  }

  const close = async () => clients.forEach((client) => client.disconnect());
  if (connection.kind === 'nodes') {
    return {
      acquire: (name) => take((options) => new RedlockMutex(clients, name, options)),
      close,
    };
  }
  return {
    acquire: (name) => take((options) => new Mutex(clients[0], name, options)),
    acquirePermit: (name, permits) =>
      take((options) => new Semaphore(clients[0], name, permits, options)),
    close,
  };
}
