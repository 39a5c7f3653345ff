import { connectTo } from './connect-to.mjs';
import { holdWithin } from './hold-within.mjs';

/** redlock 5 and its offspring: one interface, two implementations. */
export function redlockContestant({ name, version, create }) {
  const note =
    'polls, with `retryJitter` (defaults: 200 ms ± 100 ms), retries without end; renews within `using`, 500 ms before the end (its default)';
  async function setUp({ urls, ttlMs, retryMs }) {
    const redlock = create(connectTo(urls), { retryDelay: retryMs, retryJitter: retryMs / 2 });
    // Not in the constructor, where it would go for releases as well.
    const withoutEnd = { retryCount: -1 };
    return {
      acquire: (lockName) => redlock.acquire([lockName], ttlMs, withoutEnd),
      release: (lock) => lock.release(),
      ...holdWithin((lockName, routine) => redlock.using([lockName], ttlMs, routine)),
    };
  }
  return {
    name,
    version,
    note,
    renews: true,
    setUp: ({ url, ...settings }) => setUp({ urls: [url], ...settings }),
    overNodes: { note: 'a client for each node; else the same', setUp },
  };
}
