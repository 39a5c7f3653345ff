import { Redis } from 'ioredis';
import { Mutex, RedlockMutex } from 'redis-semaphore';
import { connectTo } from './connect-to.mjs';
import { versionOf } from './version-of.mjs';

function locksOf(createMutex, { ttlMs, retryMs }) {
  const options = {
    lockTimeout: ttlMs,
    acquireTimeout: Infinity,
    retryInterval: retryMs,
    // By default a loss ends the process; `isAcquired` tells it as well.
    onLockLost: () => undefined,
  };
  const acquire = async (name) => {
    const mutex = createMutex(name, options);
    await mutex.acquire();
    return mutex;
  };
  return {
    acquire,
    release: (mutex) => mutex.release(),
    hold: acquire,
    isLost: (mutex) => !mutex.isAcquired,
  };
}

export default {
  name: 'redis-semaphore',
  version: versionOf('redis-semaphore'),
  note: '`Mutex`; polls, without jitter (default: 10 ms), waits without end; renews at 0.8 of the ttl (its default)',
  renews: true,
  async setUp({ url, ...settings }) {
    const redis = new Redis(url);
    return locksOf((name, options) => new Mutex(redis, name, options), settings);
  },
  overNodes: {
    note: '`RedlockMutex` with a client for each node; else the same',
    async setUp({ urls, ...settings }) {
      const clients = connectTo(urls);
      return locksOf((name, options) => new RedlockMutex(clients, name, options), settings);
    },
  },
};
