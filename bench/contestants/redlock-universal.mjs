import { Redis } from 'ioredis';
import { createLock, IoredisAdapter } from 'redlock-universal';
import { holdWithin } from './hold-within.mjs';
import { versionOf } from './version-of.mjs';

export default {
  name: 'redlock-universal',
  version: versionOf('redlock-universal'),
  note: "`performance: 'lean'` (its fastest; the default sends a PING for each new lock object); polls, without jitter (default: 100 ms), retries without end; renews within `using`, at 0.8 of the ttl",
  renews: true,
  async setUp({ url, ttlMs, retryMs }) {
    const adapter = new IoredisAdapter(new Redis(url));
    const settings = {
      adapter,
      ttl: ttlMs,
      retryAttempts: Number.MAX_SAFE_INTEGER,
      retryDelay: retryMs,
      performance: 'lean',
    };
    return {
      async acquire(key) {
        const lock = createLock({ ...settings, key });
        return { lock, handle: await lock.acquire() };
      },
      release: ({ lock, handle }) => lock.release(handle),
      ...holdWithin((key, routine) => createLock({ ...settings, key }).using(routine)),
    };
  },
};
