import { holdWithin } from './hold-within.mjs';

/** redlock 5 and its offspring: one interface, two implementations. */
export const redlockContestant = ({ name, version, create }) => ({
  name,
  version,
  note: 'polls, with `retryJitter` (defaults: 200 ms ± 100 ms), retries without end; renews within `using`, 500 ms before the end (its default)',
  renews: true,
  async setUp({ url, ttlMs, retryMs }) {
    const redlock = create(url, { retryDelay: retryMs, retryJitter: retryMs / 2 });
    // Not in the constructor, where it would go for releases as well.
    const withoutEnd = { retryCount: -1 };
    return {
      acquire: (lockName) => redlock.acquire([lockName], ttlMs, withoutEnd),
      release: (lock) => lock.release(),
      ...holdWithin((lockName, routine) => redlock.using([lockName], ttlMs, routine)),
    };
  },
});
