// Each contestant is a file of its own, loaded only by the processes that measure it. In order of the tables.
export const CONTESTANTS = [
  'nestjs-locker',
  'bare-ioredis',
  'redlock-4',
  'redlock-5',
  'sesamecare-redlock',
  'redis-semaphore',
  'redlock-universal',
  'simple-redis-mutex',
  'async-mutex',
];

/** So close to redlock 5 that a quick look does without them. */
export const TWINS = ['redlock-4', 'sesamecare-redlock'];

export const OURS = 'nestjs-locker';
export const BARE = 'bare-ioredis';
/** Locks within one process without Redis: the floor, not a rival. */
export const IN_PROCESS = 'async-mutex';

/**
 * @typedef {object} LockSettings
 * @property {string} url
 * @property {number} ttlMs
 * @property {number} retryMs how long those who poll wait between two attempts
 * @property {string} library where the library's build is
 *
 * @typedef {Omit<LockSettings, 'url'> & { urls: string[] }} NodesSettings
 *
 * @typedef {object} Locks
 * @property {(name: string) => Promise<unknown>} acquire waits without end
 * @property {(handle: any) => Promise<unknown>} release
 * @property {(name: string) => Promise<unknown>} [hold] takes a lock that is renewed until told otherwise
 * @property {(held: any) => boolean} [isLost] what the library itself says about it
 * @property {() => { oneRound?: number } | Promise<{ oneRound?: number }>} [facts] what it alone knows; `oneRound`: the share of
 *   acquisitions over several nodes that needed one round of calls
 *
 * @typedef {object} Contestant
 * @property {string} name
 * @property {string} version
 * @property {string} note how it is set up, for the legend
 * @property {boolean} [renews] whether it has `hold`
 * @property {(settings: LockSettings) => Promise<Locks>} setUp
 * @property {object} [overNodes] its locks over a majority of independent nodes, if it has them
 * @property {string} overNodes.note
 * @property {(settings: NodesSettings) => Promise<Locks>} overNodes.setUp
 */

/** @returns {Promise<Contestant>} */
export const loadContestant = async (name) => (await import(`./${name}.mjs`)).default;
