import { Redis } from 'ioredis';

/**
 * Removes all that a run has left in Redis, the token counters too: they never expire, as a token must
 * never come again. Only for a prefix that nobody uses again.
 */
export async function forgetKeys(url: string, prefix: string): Promise<void> {
  const redis = new Redis(url);
  // Told by the commands that fail.
  redis.on('error', () => undefined);
  try {
    for await (const keys of redis.scanStream({ match: `${prefix}:*`, count: 1_000 })) {
      if ((keys as string[]).length > 0) await redis.unlink(...(keys as string[]));
    }
  } finally {
    redis.disconnect();
  }
}
