import { describe, expect, it, jest } from '@jest/globals';
import type { Lock } from 'nestjs-locker';
import { passed } from '../support/lease-end.js';
import { afterTest, eventsOf, lockService } from '../support/lock-service.js';
import { scriptCalls } from '../support/queue.js';
import { RedisServer } from '../support/redis-server.js';

jest.setTimeout(180_000);
// A machine that gives this process (or Redis) nothing for two seconds makes it lose them rightly.
jest.retryTimes(2);

const LOCKS = 10_000;
// Room for a machine that stands still for seconds; what a ttl of 3 s takes is measured, not tested.
const TTL = 10_000;
const HELD_MS = 30_000;

/** In portions, so that no answer has to wait for thousands of others. */
async function inPortions<T, R>(items: readonly T[], task: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (let start = 0; start < items.length; start += 500) {
    results.push(...(await Promise.all(items.slice(start, start + 500).map(task))));
  }
  return results;
}

function countBy<T>(items: readonly T[], keyOf: (item: T) => string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const item of items) counts[keyOf(item)] = (counts[keyOf(item)] ?? 0) + 1;
  return counts;
}

describe(`${LOCKS} locks of ${TTL} ms in one process`, () => {
  it('are all kept for 30 s by renewals in batches, and leave nothing behind', async () => {
    const server = await RedisServer.start();
    afterTest(() => server.stop());
    const direct = server.client();

    const locks = await lockService({ redis: server.url, ttl: TTL, storeTimeout: TTL / 2 });
    const events = eventsOf(locks);
    const names = Array.from({ length: LOCKS }, (_, i) => `invoice:${i}`);
    const held: Lock[] = await inPortions(names, (name) => locks.acquire(name));

    const start = performance.now();
    const callsAtStart = await scriptCalls(direct);
    await passed(start + HELD_MS);
    const callsPerSecond =
      ((await scriptCalls(direct)) - callsAtStart) / ((performance.now() - start) / 1_000);

    expect(countBy(events, ({ type }) => type)).toEqual({ acquired: LOCKS });
    expect(locks.held()).toHaveLength(LOCKS);
    expect(held.every((lock) => lock.isHeld)).toBe(true);
    expect(await direct.keys('*:lease:*')).toHaveLength(LOCKS);
    // One by one it would be 3,000 a second; in batches of 500, once a ttl/4, it is 8.
    expect(callsPerSecond).toBeLessThanOrEqual(24);

    const outcomes = await inPortions(held, (lock) => lock.release());
    expect(countBy(outcomes, String)).toEqual({ released: LOCKS });
    expect(await direct.keys('*:lease:*')).toEqual([]);
  });
});
