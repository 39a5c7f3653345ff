import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { ManualClock } from '../testing/manual.clock.js';
import { TestLockStore } from '../testing/test-lock.store.js';
import { BoundedStore } from './bounded-store.js';
import { LeaseCleaner } from './lease-cleaner.js';

const TIMEOUT = 2_000;
const TTL = 60_000;
const SUBJECT = { name: 'a', kind: 'lock' } as const;
const CLAIM = { ...SUBJECT, owner: 'me' };
const HOLDER = { service: 'billing', host: 'h', pid: 1 };

describe('LeaseCleaner', () => {
  let clock: ManualClock;
  let store: TestLockStore;
  let cleaner: LeaseCleaner;
  let release: jest.SpiedFunction<TestLockStore['release']>;
  beforeEach(() => {
    clock = new ManualClock();
    store = new TestLockStore(clock);
    release = jest.spyOn(store, 'release');
    cleaner = new LeaseCleaner(new BoundedStore(store, clock, TIMEOUT), clock);
  });

  const exclusive = { ...SUBJECT, units: 0, permits: 0, tokens: 1, ttlMs: TTL, holder: HOLDER };
  const take = (owner = 'me') => store.acquire({ ...exclusive, owner });
  const isTaken = async () => (await store.inspect(SUBJECT)).holders.length > 0;

  it('releases at once what the owner holds, also without its token', async () => {
    await take();
    cleaner.clean(CLAIM, TTL);
    await clock.advance(0);
    expect(await isTaken()).toBe(false);
    expect(release).toHaveBeenCalledWith(CLAIM);
  });

  it.each([['nothing'], ['a lease']])(
    'releases once more after it found %s, for a write that comes late',
    async (found) => {
      if (found === 'a lease') await take();
      cleaner.clean(CLAIM, TTL);
      await clock.advance(1);
      await take();
      await clock.advance(TIMEOUT);
      expect(await isTaken()).toBe(false);
      await clock.advance('10 minutes');
      expect(release).toHaveBeenCalledTimes(2);
    },
  );

  it("leaves somebody else's lease alone", async () => {
    await take('another');
    cleaner.clean(CLAIM, TTL);
    await clock.advance(TIMEOUT * 3);
    expect(await isTaken()).toBe(true);
    expect(release).toHaveBeenCalledTimes(2);
  });

  it('repeats a release that failed or was not answered, more and more rarely', async () => {
    await take();
    const triedAt: number[] = [];
    release.mockImplementation((request) => {
      triedAt.push(clock.now());
      return TestLockStore.prototype.release.call(store, request);
    });
    store.fail('release', { times: 3 });
    store.fail('release', { error: 'hang' });
    cleaner.clean(CLAIM, TTL);
    await clock.advance('20s');
    expect(await isTaken()).toBe(false);
    const pauses = triedAt.slice(1, 4).map((time, i) => time - triedAt[i]!);
    expect(pauses[0]).toBeGreaterThan(50);
    expect(pauses).toEqual([pauses[0], pauses[0]! * 2, pauses[0]! * 4]);
    expect(triedAt).toHaveLength(6); // three failed, one hung, and two were answered
  });

  it.each([
    ['the lease', 120_000],
    ['half a minute', 50],
  ])('gives up when %s has passed', async (_what, ttlMs) => {
    store.fail('release', { times: 1_000 });
    cleaner.clean(CLAIM, ttlMs);
    await clock.advance('20 minutes');
    const tries = release.mock.calls.length;
    expect(tries).toBeGreaterThan(5);
    expect(tries).toBeLessThan(40);
    await clock.advance('20 minutes');
    expect(release).toHaveBeenCalledTimes(tries);
  });

  it('waits before its first release if it is told to', async () => {
    await take();
    cleaner.clean(CLAIM, TTL, 500);
    await clock.advance(499);
    expect(await isTaken()).toBe(true);
    await clock.advance(1);
    expect(await isTaken()).toBe(false);
  });

  describe('leave', () => {
    it('releases once where that is answered: what is known needs no second time', async () => {
      await take();
      cleaner.leave(CLAIM, TTL);
      await clock.advance(0);
      expect(await isTaken()).toBe(false);
      await clock.advance('10 minutes');
      expect(release).toHaveBeenCalledTimes(1);
    });

    it('gives up a place in the queue', async () => {
      await take('another');
      const registration = { number: 1, claimMs: 3_000, tokens: 1 };
      await store.acquire({ ...exclusive, owner: 'me', registration });
      expect((await store.inspect(SUBJECT)).waiting).toBe(1);
      cleaner.leave(CLAIM, TTL);
      await clock.advance(0);
      expect(await store.inspect(SUBJECT)).toMatchObject({ waiting: 0, holders: [{}] });
    });

    it.each([[undefined], ['hang' as const]])(
      'goes on as "clean" does where that fails (%p)',
      async (error) => {
        await take();
        store.fail('release', error ? { error } : {});
        cleaner.leave(CLAIM, TTL);
        await clock.advance(TIMEOUT);
        expect(await isTaken()).toBe(false);
        await clock.advance('10 minutes');
        expect(release).toHaveBeenCalledTimes(3);
      },
    );
  });

  describe('close', () => {
    const closed = async () => {
      let done = false;
      void cleaner.close().then(() => (done = true));
      await clock.advance(0);
      return () => done;
    };

    it('resolves at once when there is nothing to do', async () => {
      expect((await closed())()).toBe(true);
    });

    it('ends every pause with a last try, and waits for its answer', async () => {
      await take();
      store.fail('release', { times: 1 });
      cleaner.clean(CLAIM, TTL);
      cleaner.clean({ ...CLAIM, name: 'b' }, TTL, 10_000);
      await clock.advance(1);
      expect((await closed())()).toBe(true);
      expect(await isTaken()).toBe(false);
      expect(release).toHaveBeenCalledTimes(3);
    });

    it('takes no longer than one limit of the store when that hangs', async () => {
      store.fail('release', { error: 'hang', times: 100 });
      cleaner.clean(CLAIM, TTL);
      await clock.advance(1);
      const isDone = await closed();
      expect(isDone()).toBe(false);
      await clock.advance(TIMEOUT);
      expect(isDone()).toBe(true);
    });

    it('waits for what is left behind, too', async () => {
      await take();
      store.fail('release', { error: 'hang' });
      cleaner.leave(CLAIM, TTL);
      const isDone = await closed();
      expect(isDone()).toBe(false);
      await clock.advance(TIMEOUT);
      expect(isDone()).toBe(true);
      expect(await isTaken()).toBe(false);
    });

    it('still tries once for what fails after it', async () => {
      await closed();
      await take();
      cleaner.clean(CLAIM, TTL, 10_000);
      await clock.advance(0);
      expect(await isTaken()).toBe(false);
      await clock.advance('1 minute');
      expect(release).toHaveBeenCalledTimes(1);
    });
  });
});
