import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import type { HeldPage, HeldQuery, ReportedName } from 'nestjs-locker';
import { RedisConnection } from '../../lib/stores/redis/redis-connection.js';
import { RedisLockStore } from '../../lib/stores/redis/redis-lock.store.js';
import { afterTest, lockService } from '../support/lock-service.js';
import { RedisServer } from '../support/redis-server.js';

const PROCESSES = 4;
const LOCKS = 100_000;
const AT_ONCE = 5_000;

describe('the overview of 100,000 locks', () => {
  let server: RedisServer;
  let direct: Redis;
  beforeAll(async () => {
    server = await RedisServer.start();
    direct = server.client();
  });
  afterAll(() => server.stop());

  /** What a process has that holds every fourth name: its leases, and its report. */
  const hold = async (first: number): Promise<void> => {
    const store = new RedisLockStore(new RedisConnection(server.url), 'lock');
    afterTest(() => store.close());
    await store.connect();
    const holder = { service: `worker-${first}`, host: 'a', pid: first };
    const all: ReportedName[] = [];
    for (let start = first; start < LOCKS; start += AT_ONCE * PROCESSES) {
      const acquired = Array.from({ length: AT_ONCE }, async (_, i) => {
        const subject = { name: `invoice:${start + i * PROCESSES}`, kind: 'lock' } as const;
        const share = { units: 0, permits: 0, tokens: 1, ttlMs: 600_000 };
        const reply = await store.acquire({ ...subject, ...share, owner: randomUUID(), holder });
        if (reply.status !== 'granted') throw new Error(`${subject.name} was expected to be free`);
        return { ...subject, fencingToken: reply.fencingToken };
      });
      all.push(...(await Promise.all(acquired)));
    }
    const now = new Date();
    const counts = { acquired: all.length, busy: 0, released: 0, lost: 0 };
    const did = { held: all.length, waiting: 0, counts, waits: { buckets: [], sumMs: 0 } };
    await store.reports.write({
      number: 1,
      record: { id: `p${first}`, process: holder, startedAt: now, reportedAt: now, ...did },
      expiresInMs: 600_000,
      isSignOfLife: true,
      added: all,
      removed: [],
      names: { size: all.length, all: () => all },
      events: [],
      jobs: [],
    });
  };

  const timed = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
    const startedAt = performance.now();
    const result = await work();
    times.push(`${what}: ${Math.round(performance.now() - startedAt)} ms`);
    return result;
  };
  const times: string[] = [];

  it('comes in pages and finds any of them', async () => {
    const viewer = await lockService({ redis: server.url, reports: false });
    await timed('to take them', () => Promise.all([0, 1, 2, 3].map(hold)));
    await direct.config('RESETSTAT');

    const first = await timed('the first page', () => viewer.overview.held());
    expect(first).toMatchObject({ total: LOCKS, names: { length: 50 } });
    const { names, cursor } = await timed('a page of 500', () =>
      viewer.overview.held({ limit: 500, cursor: first.cursor }),
    );
    expect(new Set([...first.names, ...names].map(({ name }) => name)).size).toBe(550);
    expect(cursor).toBeDefined();

    const found = async (query: HeldQuery): Promise<{ calls: number; names: string[] }> => {
      const all: string[] = [];
      let calls = 0;
      let page: HeldPage | undefined;
      do {
        page = await viewer.overview.held({ ...query, cursor: page?.cursor });
        all.push(...page.names.map(({ name }) => name));
        calls++;
      } while (page.cursor !== undefined);
      return { calls, names: all };
    };
    const one = await timed('to find one', () => found({ search: '99999' }));
    expect(one.names).toEqual(['invoice:99999']);
    expect(one.calls).toBeLessThanOrEqual(5);
    const some = await timed('to find ten', () => found({ search: 'invoice:4242?' }));
    expect(some.names.toSorted()).toEqual(Array.from({ length: 10 }, (_, i) => `invoice:4242${i}`));

    // Of a thousand names at most, so that others come in between.
    const stats = await direct.info('commandstats');
    expect(Number(/cmdstat_zrangebyscore:calls=(\d+)/.exec(stats)?.[1])).toBeGreaterThan(200);
    expect(stats).not.toMatch(/cmdstat_(keys|scan|smembers)/);
    if (process.env['SHOW_TIMES']) process.stderr.write(`${times.join('\n')}\n`);
  }, 120_000);
});
