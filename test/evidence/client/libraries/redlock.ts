import type { LockSettings } from '../plan.js';
import { connectTo, importOther } from './clients.js';
import { Busy, type Locks, RETRY_MS } from './library.js';
import { holdWithin } from './routine.js';

interface Redlock {
  using(
    names: string[],
    ttl: number,
    settings: object,
    routine: (signal: AbortSignal) => Promise<void>,
  ): Promise<unknown>;
}

interface Package {
  default: new (clients: unknown[], settings: object) => Redlock & { on(...args: unknown[]): void };
}

export async function openLocks({ connection, ttlMs, waitMs }: LockSettings): Promise<Locks> {
  const { default: Constructor } = await importOther<Package & { default: Package }>('redlock5');
  const clients = connectTo(connection);
  // What `require` gives has its default within.
  const Redlock = typeof Constructor === 'function' ? Constructor : Constructor['default'];
  const redlock = new Redlock(clients, {
    retryDelay: RETRY_MS,
    retryJitter: RETRY_MS / 2,
  });
  // Not in the constructor, where it would go for renewals and releases as well.
  const waiting = { retryCount: Math.ceil(waitMs / RETRY_MS) };
  redlock.on('error', () => undefined);
  return {
    async acquire(name) {
      try {
        return await holdWithin((routine) => redlock.using([name], ttlMs, waiting, routine));
      } catch (error) {
        // It does not tell busy from out of reach, but for the single votes.
        const isBusy = await saidBusy(error);
        throw isBusy ? new Busy() : error;
      }
    },
    close: async () => clients.forEach((client) => client.disconnect()),
  };
}

interface Votes {
  votesAgainst: Map<unknown, Error>;
}

async function saidBusy(error: unknown): Promise<boolean> {
  const { attempts } = error as { attempts?: Promise<Votes>[] };
  const last = await attempts?.at(-1);
  const against = last ? [...last.votesAgainst.values()] : [];
  return against.length > 0 && against.every(({ name }) => name === 'ResourceLockedError');
}
