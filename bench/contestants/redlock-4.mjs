import Redlock from 'redlock4';
import { connectTo } from './connect-to.mjs';
import { versionOf } from './version-of.mjs';

async function setUp({ urls, ttlMs, retryMs }) {
  const redlock = new Redlock(connectTo(urls), {
    retryDelay: retryMs,
    retryJitter: retryMs / 2,
  });
  // Not in the constructor, where it would go for releases as well.
  const withoutEnd = { retryCount: -1 };
  return {
    acquire: (name) => redlock.acquireWithOptions(name, ttlMs, withoutEnd),
    release: (lock) => lock.unlock(),
  };
}

export default {
  name: 'redlock-4',
  version: versionOf('redlock4'),
  note: 'polls, with `retryJitter` (defaults: 200 ms ± 100 ms), retries without end; no renewal of its own',
  setUp: ({ url, ...settings }) => setUp({ urls: [url], ...settings }),
  overNodes: { note: 'a client for each node; else the same', setUp },
};
