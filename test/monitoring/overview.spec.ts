import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import {
  type HeldPage,
  type HeldQuery,
  type LockModuleOptions,
  LockLostError,
  LockOptionsError,
  type LockService,
  LockTimeoutError,
  type ProcessRecord,
  WAIT_BUCKETS_MS,
} from 'nestjs-locker';
import { eventsOf, lockService, watch } from '../support/lock-service.js';
import { queueOf } from '../support/queue.js';
import { RedisServer } from '../support/redis-server.js';
import { until } from '../support/until.js';

describe('the overview of a fleet', () => {
  let server: RedisServer;
  let direct: Redis;
  let viewer: LockService;
  let billing: LockService;
  let shipping: LockService;
  beforeAll(async () => {
    server = await RedisServer.start();
    direct = server.client();
  });
  afterAll(() => server.stop());
  beforeEach(async () => {
    await direct.flushall();
    viewer = await serviceOf('viewer', { reports: false });
    billing = await serviceOf('billing');
    shipping = await serviceOf('shipping');
  });

  const serviceOf = (service: string, options: LockModuleOptions = {}) =>
    lockService({ redis: server.url, service, reports: 100, ...options });

  const acquire = async (locks: LockService, ...names: string[]) => {
    const held = [];
    for (const name of names) held.push(await locks.acquire(name)); // one after the other
    return held;
  };

  const namesOf = ({ names }: HeldPage): string[] => names.map(({ name }) => name);

  /** The page, once it has these names in this order. */
  const untilHeld = async (names: readonly string[]): Promise<HeldPage> => {
    let page: HeldPage | undefined;
    const isListed = async () => {
      page = await viewer.overview.held();
      return JSON.stringify(namesOf(page)) === JSON.stringify(names);
    };
    await until(isListed, { what: `it lists "${names.join('", "')}"`, timeoutMs: 15_000 });
    return page!;
  };

  const untilTotal = (total: number) =>
    until(async () => (await viewer.overview.held()).total === total, {
      what: `${total} leases are told`,
    });

  const recordOf = async (service: string): Promise<ProcessRecord | undefined> =>
    (await viewer.overview.processes()).find(({ process }) => process.service === service);

  const untilTold = async (service: string, is: (record: ProcessRecord) => boolean) => {
    let record: ProcessRecord | undefined;
    const isTold = async () => {
      record = await recordOf(service);
      return record !== undefined && is(record);
    };
    await until(isTold, { what: `${service} has told it`, timeoutMs: 15_000 });
    return record!;
  };

  describe('what is held', () => {
    it('is that of all processes, the longest held first, as it is at the moment', async () => {
      const [a] = await acquire(billing, 'a');
      const [b] = await acquire(shipping, 'b');
      const [c] = await acquire(billing, 'c');
      const { names, cursor } = await untilHeld(['a', 'b', 'c']);
      expect(names[0]).toEqual({
        name: 'a',
        kind: 'lock',
        permits: 0,
        waiting: 0,
        holders: [
          {
            holder: { service: 'billing', host: expect.any(String), pid: process.pid },
            fencingToken: a!.fencingToken,
            since: expect.any(Date),
            remainingMs: expect.any(Number),
            units: 0,
          },
        ],
      });
      expect(cursor).toBeUndefined();
      await untilTotal(3);
      await b!.release();
      expect(namesOf(await viewer.overview.held())).toEqual(['a', 'c']); // whatever was told
      await c!.release();
      await viewer.forceRelease('a');
      expect(await viewer.overview.held()).toMatchObject({ names: [] });
      await expect(a!.extend('1 minute')).rejects.toThrow(LockLostError); // and so its holder learns of it
      await untilTotal(0);
      expect(await viewer.overview.held()).toEqual({ names: [], total: 0 });
    });

    it('comes in pages', async () => {
      const names = Array.from({ length: 7 }, (_, i) => `page:${i}`);
      for (const [i, name] of names.entries()) await acquire(i % 3 ? billing : shipping, name);
      await untilHeld(names);
      await untilTotal(7);
      for (const limit of [1, 2, 3, 7]) {
        const pages: string[][] = [];
        let cursor: string | undefined;
        do {
          const page: HeldPage = await viewer.overview.held({ limit, cursor });
          expect(page.total).toBe(7);
          pages.push(namesOf(page));
          ({ cursor } = page);
        } while (cursor !== undefined);
        expect(pages.flat()).toEqual(names);
        expect(Math.max(...pages.map(({ length }) => length))).toBeLessThanOrEqual(limit);
      }
    });

    it('has each name once, however many hold permits of it', async () => {
      const permitOf = (locks: LockService) => locks.semaphore('tax', 5).acquire();
      const [first, second] = [await permitOf(billing), await permitOf(shipping)];
      await acquire(shipping, 'between');
      const third = await permitOf(billing);
      const { names } = await untilHeld(['tax', 'between']);
      expect(names[0]).toMatchObject({ kind: 'semaphore', permits: 5, holders: [{}, {}, {}] });
      const { cursor } = await viewer.overview.held({ limit: 1 });
      expect(namesOf(await viewer.overview.held({ cursor }))).toEqual(['between']);
      expect(namesOf(await viewer.overview.held({ kind: 'semaphore' }))).toEqual(['tax']);
      expect(namesOf(await viewer.overview.held({ kind: 'lock' }))).toEqual(['between']);
      await first.release();
      await untilHeld(['tax', 'between']);
      await second.release();
      await untilHeld(['between', 'tax']);
      await third.release();
      await untilHeld(['between']);
    });

    it('has what somebody else holds by now where it was taken', async () => {
      const [a] = await acquire(billing, 'a', 'b');
      await untilHeld(['a', 'b']);
      await a!.release();
      await acquire(shipping, 'a');
      const { names } = await untilHeld(['b', 'a']);
      expect(names[1]).toMatchObject({ holders: [{ holder: { service: 'shipping' } }] });
    });

    it('goes on in another process with the lock that was handed to it', async () => {
      const [a] = await acquire(billing, 'a', 'b');
      await untilHeld(['a', 'b']);
      await shipping.attach(a!.detach());
      await untilHeld(['a', 'b']);
      await untilTold('shipping', ({ held }) => held === 1);
      // A first report tells its names a moment after its record.
      const { names } = await untilHeld(['a', 'b']);
      expect(names[0]).toMatchObject({ name: 'a', holders: [{ holder: { service: 'shipping' } }] });
    });

    it('is searched for a part of the name, or by a pattern', async () => {
      const names = ['invoice:1', 'invoice:22', 'an invoice', 'x:\0[*]?', '🔒:?'];
      await acquire(billing, ...names);
      await untilHeld(names);
      for (const [search, found] of Object.entries({
        voi: ['invoice:1', 'invoice:22', 'an invoice'],
        'invoice:*': ['invoice:1', 'invoice:22'],
        'invoice:?': ['invoice:1'],
        '*:*': ['invoice:1', 'invoice:22', 'x:\0[*]?', '🔒:?'],
        '?:?': ['🔒:?'],
        '[*]': [],
        '*[\\*]?': ['x:\0[*]?'],
        '[\\*]': ['x:\0[*]?'],
        '\0': ['x:\0[*]?'],
        INVOICE: [],
        '': names,
      })) {
        expect([search, namesOf(await viewer.overview.held({ search }))]).toEqual([search, found]);
      }
    });

    it('is not asked for with what is no query', async () => {
      for (const query of [
        { kind: 'mutex' },
        { search: 7 },
        { search: 'a'.repeat(1_001) },
        { cursor: 'x' },
        { cursor: Buffer.from('["a","lock","b"]').toString('base64url') },
        { limit: 0 },
        { limit: 501 },
        { limit: 1.5 },
        { offset: 3 },
      ]) {
        await expect(viewer.overview.held(query as HeldQuery)).rejects.toThrow(LockOptionsError);
      }
    });

    it('is not looked for among millions of stars at the cost of everybody', async () => {
      const name = 'a'.repeat(4_000);
      await acquire(billing, name);
      await untilHeld([name]);
      const startedAt = performance.now();
      const search = `${'*a'.repeat(400)}*b`;
      expect(namesOf(await viewer.overview.held({ search }))).toEqual([]);
      expect(performance.now() - startedAt).toBeLessThan(2_000);
    });
  });

  describe('who waits for a name', () => {
    it('is told in order', async () => {
      const [held] = await acquire(billing, 'a');
      expect(await viewer.overview.queueOf({ name: 'a', kind: 'lock' })).toEqual([]);
      const first = watch(shipping.acquire('a', { wait: '20s' }));
      await queueOf(direct, 'a', 1);
      const second = watch(viewer.acquire('a', { wait: '20s', mode: 'shared' }));
      await queueOf(direct, 'a', 2);
      const queue = await viewer.overview.queueOf({ name: 'a', kind: 'lock' });
      expect(queue).toMatchObject([
        { holder: { service: 'shipping' }, units: 0 },
        { holder: { service: 'viewer' }, units: 1 },
      ]);
      expect(JSON.stringify(queue)).not.toContain('owner');
      await untilTold('shipping', ({ waiting }) => waiting === 1);
      await held!.release();
      await until(() => first.settled, { what: 'its turn has come' });
      await first.value!.release();
      await until(() => second.settled, { what: 'its turn has come' });
    });

    it('is not told for what is no name, or no number', async () => {
      for (const [subject, limit, message] of [
        [{ name: '', kind: 'lock' }, 1, /name/],
        [{ name: 'a', kind: 'x' }, 1, /"kind" is/],
        [{ name: 'a', kind: 'lock' }, 0, /limit is 0/],
        [{ name: 'a', kind: 'lock' }, 1_001, /limit is 1001/],
      ] as const) {
        await expect(viewer.overview.queueOf(subject as never, limit)).rejects.toThrow(message);
      }
    });
  });

  describe('processes', () => {
    it('tell what they did since they started', async () => {
      const [a, b] = await acquire(billing, 'a', 'b');
      expect(await shipping.tryAcquire('a')).toBeNull();
      const waiter = watch(shipping.acquire('a', { wait: '20s' }));
      await queueOf(direct, 'a', 1);
      await expect(shipping.acquire('b', { wait: 20 })).rejects.toThrow(LockTimeoutError);
      await a!.release();
      await until(() => waiter.settled, { what: 'it has it' });
      await viewer.forceRelease('b');
      await expect(b!.extend('1 minute')).rejects.toThrow(LockLostError); // and so it learns of it
      const told = await untilTold('billing', ({ counts }) => counts.lost === 1);
      expect(told).toMatchObject({
        process: { service: 'billing', pid: process.pid },
        held: 0,
        waiting: 0,
        counts: { acquired: 2, busy: 0, released: 1, lost: 1 },
        waits: { sumMs: 0 },
      });
      expect(told.waits.buckets).toEqual([...WAIT_BUCKETS_MS, Infinity].map(() => 0));
      expect(told.startedAt <= told.reportedAt).toBe(true);
      const other = await untilTold('shipping', ({ counts }) => counts.acquired === 1);
      expect(other.counts).toEqual({ acquired: 1, busy: 2, released: 0, lost: 0 });
      expect(other).toMatchObject({ held: 1, waiting: 0 });
      const waits = other.waits.buckets.reduce((sum, count) => sum + count, 0);
      expect(waits).toBe(2); // who only tries does not wait
      expect(other.waits.sumMs).toBeGreaterThanOrEqual(15);
      expect((await viewer.overview.processes()).map((each) => each.process.service)).toEqual([
        'billing',
        'shipping',
      ]);
    });

    it('are there no more when they have ended, in whatever way', async () => {
      await untilTold('billing', () => true);
      await untilTold('shipping', () => true);
      await billing.onModuleDestroy();
      await billing.onApplicationShutdown();
      expect(await recordOf('billing')).toBeUndefined();
      const { id } = (await recordOf('shipping'))!;
      const keys = await direct.keys('lock:reports:*');
      expect(keys.toSorted()).toEqual([`lock:reports:processes`, `lock:reports:{${id}}`]);
      const leftMs = await direct.pttl(`lock:reports:{${id}}`);
      expect(leftMs).toBeGreaterThan(20_000);
      expect(leftMs).toBeLessThanOrEqual(30_000);
      await direct.set('lock:reports:{dead}', 'no record');
      await direct.zadd('lock:reports:processes', 1, 'dead', 1, 'gone');
      expect((await viewer.overview.processes()).map((each) => each.id)).toEqual([id]);
      expect(await direct.zrange('lock:reports:processes', '0', '-1')).not.toContain('gone');
    });
  });

  describe('events', () => {
    it('are told in the words of the log, with who did it', async () => {
      const [a] = await acquire(billing, 'a');
      await billing.semaphore('s', 2).withPermit(() => undefined);
      await shipping.semaphore('s', 3).withPermit(() => undefined);
      await shipping.semaphore('s', 3).acquire();
      await billing.semaphore('s', 4).acquire();
      const events = eventsOf(billing);
      await shipping.forceRelease('a');
      await expect(a!.extend('1 minute')).rejects.toThrow(LockLostError);
      await viewer.overview.audit({ type: 'noted', text: 'It hung.', name: 'a', actor: 'kim' });
      const types = async () => (await viewer.overview.events()).map(({ type }) => type);
      await until(async () => (await types()).length === 4, { what: 'all are told' });
      const records = await viewer.overview.events();
      expect(records.find(({ type }) => type === 'forced')).toEqual({
        id: expect.any(String),
        at: expect.any(Date),
        process: { service: 'shipping', host: expect.any(String), pid: process.pid },
        type: 'forced',
        name: 'a',
        text: expect.stringMatching(/^"a" was released by force; billing \(.+\) held it\.$/),
      });
      const lost = events.find(({ type }) => type === 'lost');
      expect(records.find(({ type }) => type === 'lost')).toMatchObject({
        process: { service: 'billing' },
        text: expect.stringContaining((lost as { error: Error }).error.message),
      });
      expect(records.find(({ type }) => type === 'permits-changed')?.text).toContain('3 permits');
      expect(records.find(({ type }) => type === 'noted')).toMatchObject({
        process: { service: 'viewer' },
        name: 'a',
        text: 'It hung.',
        actor: 'kim',
      });
      expect(await viewer.overview.events(1)).toEqual(records.slice(0, 1));
      await expect(viewer.overview.events(0)).rejects.toThrow(/limit is 0/);
    });

    it('are not written without a type and a text', async () => {
      for (const entry of [
        { type: '', text: 'a' },
        { type: 'a' },
        { type: 'a', text: 'b', actor: 7 },
      ]) {
        await expect(viewer.overview.audit(entry as never)).rejects.toThrow(LockOptionsError);
      }
    });
  });

  describe('jobs', () => {
    it('are those that were met, with their counts', async () => {
      await billing.once('invoice:1', () => 1);
      await billing.once('invoice:2', () => 2);
      await shipping.once('parcel:1', () => 3);
      const failed = shipping.once('mail:1', () => Promise.reject(new Error('no')));
      await expect(failed).rejects.toThrow('no');
      const jobs = async () => JSON.stringify((await viewer.overview.jobs()).map(({ job }) => job));
      await until(async () => (await jobs()) === '["invoice","parcel"]', { what: 'both are told' });
      expect(await viewer.overview.jobs()).toEqual([
        { job: 'invoice', processed: 2, unknown: 0, running: 0 },
        { job: 'parcel', processed: 1, unknown: 0, running: 0 },
      ]);
    });

    it('are not as many as somebody makes up', async () => {
      const names = Array.from({ length: 250 }, (_, i) => `no-colon-${i}`);
      await Promise.all(names.map((name) => billing.once(name, () => 1)));
      await untilTold('billing', ({ counts }) => counts.acquired === 250);
      expect(await direct.zcard('lock:reports:jobs')).toBe(200);
    });
  });
});
