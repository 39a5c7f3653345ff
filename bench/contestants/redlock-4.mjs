import { Redis } from 'ioredis';
import Redlock from 'redlock4';
import { versionOf } from './version-of.mjs';

export default {
  name: 'redlock-4',
  version: versionOf('redlock4'),
  note: 'polls, with `retryJitter` (defaults: 200 ms ± 100 ms), retries without end; no renewal of its own',
  async setUp({ url, ttlMs, retryMs }) {
    const redlock = new Redlock([new Redis(url)], {
      retryDelay: retryMs,
      retryJitter: retryMs / 2,
    });
    // Not in the constructor, where it would go for releases as well.
    const withoutEnd = { retryCount: -1 };
    return {
      acquire: (name) => redlock.acquireWithOptions(name, ttlMs, withoutEnd),
      release: (lock) => lock.unlock(),
    };
  },
};
