import type { Redis } from 'ioredis';
import { lockKeys } from './lease-end.js';
import { until } from './until.js';

/** How many wait for a lock; callers of one process count once. */
export const queueLength = (client: Redis, name: string): Promise<number> =>
  client.zcard(lockKeys(name).queue);

/** Resolves once so many wait for a lock, all of them where hand-overs reach them. */
export async function queueOf(client: Redis, name: string, length: number): Promise<void> {
  const { queue, waiters } = lockKeys(name);
  const allAreReached = async () => {
    const [owners, registrations] = await Promise.all([client.zcard(queue), client.hvals(waiters)]);
    return owners === length && registrations.every((entry) => entry.includes(':hand-over:'));
  };
  await until(allAreReached, { what: `${length} stand in the queue`, timeoutMs: 15_000 });
}

/** What is left in Redis but the counters of tokens, which stay, and what processes tell of themselves. */
export async function remains(client: Redis): Promise<string[]> {
  const keys = await client.keys('*');
  return keys.filter((key) => !/:tokens$|:reports:/.test(key)).sort();
}

/** Fails if something but counters of tokens stays in Redis. */
export async function nothingRemains(client: Redis): Promise<void> {
  let left: string[] = [];
  const isEmpty = async () => (left = await remains(client)).length === 0;
  await until(isEmpty, { what: 'nothing is left', timeoutMs: 10_000 }).catch((error: Error) => {
    throw new Error(`${error.message}: ${left.join(', ')}`);
  });
}

/** How many scripts have been called since the server's statistics were reset. */
export async function scriptCalls(client: Redis): Promise<number> {
  const info = await client.info('commandstats');
  return Number(/cmdstat_evalsha:calls=(\d+)/.exec(info)?.[1] ?? 0);
}
