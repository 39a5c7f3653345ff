import { Redis } from 'ioredis';
import { createLock, createRedlock, IoredisAdapter } from 'redlock-universal';
import { connectTo } from './connect-to.mjs';
import { holdWithin } from './hold-within.mjs';
import { versionOf } from './version-of.mjs';

function locksOf(create, { ttlMs, retryMs }) {
  const settings = {
    ttl: ttlMs,
    retryAttempts: Number.MAX_SAFE_INTEGER,
    retryDelay: retryMs,
  };
  return {
    async acquire(key) {
      const lock = create({ ...settings, key });
      return { lock, handle: await lock.acquire() };
    },
    release: ({ lock, handle }) => lock.release(handle),
    ...holdWithin((key, routine) => create({ ...settings, key }).using(routine)),
  };
}

export default {
  name: 'redlock-universal',
  version: versionOf('redlock-universal'),
  note: "`performance: 'lean'` (its fastest; the default sends a PING for each new lock object); polls, without jitter (default: 100 ms), retries without end; renews within `using`, at 0.8 of the ttl",
  renews: true,
  async setUp({ url, ...settings }) {
    const adapter = new IoredisAdapter(new Redis(url));
    return locksOf((lock) => createLock({ ...lock, adapter, performance: 'lean' }), settings);
  },
  overNodes: {
    note: '`createRedlock` with a client for each node; polls, without jitter (default: 200 ms), retries without end',
    async setUp({ urls, ...settings }) {
      const adapters = connectTo(urls).map((client) => new IoredisAdapter(client));
      return locksOf((lock) => createRedlock({ ...lock, adapters }), settings);
    },
  },
};
