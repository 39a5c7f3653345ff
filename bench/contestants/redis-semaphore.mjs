import { Redis } from 'ioredis';
import { Mutex } from 'redis-semaphore';
import { versionOf } from './version-of.mjs';

export default {
  name: 'redis-semaphore',
  version: versionOf('redis-semaphore'),
  note: '`Mutex`; polls, without jitter (default: 10 ms), waits without end; renews at 0.8 of the ttl (its default)',
  renews: true,
  async setUp({ url, ttlMs, retryMs }) {
    const redis = new Redis(url);
    const options = {
      lockTimeout: ttlMs,
      acquireTimeout: Infinity,
      retryInterval: retryMs,
      // By default a loss ends the process; `isAcquired` tells it as well.
      onLockLost: () => undefined,
    };
    const acquire = async (name) => {
      const mutex = new Mutex(redis, name, options);
      await mutex.acquire();
      return mutex;
    };
    return {
      acquire,
      release: (mutex) => mutex.release(),
      hold: acquire,
      isLost: (mutex) => !mutex.isAcquired,
    };
  },
};
