import { beforeEach, describe, expect, it } from '@jest/globals';
import type { Asked, StoreProbe } from './store-probe.js';

const ONE: Asked = { units: 1 };
const TWO: Asked = { units: 2 };

/** How the permits of a semaphore are given out. */
export function hasSemaphores(probeUnderTest: () => StoreProbe): void {
  describe('a semaphore', () => {
    let probe: StoreProbe;
    beforeEach(() => {
      probe = probeUnderTest();
      probe.kind = 'semaphore';
      probe.permits = 3;
    });

    const hold = async (...owners: string[]) => {
      for (const owner of owners) await probe.granted(owner, ONE);
    };

    it('gives out its permits and no more, and tells how many it has', async () => {
      await hold('a', 'b', 'c');
      expect(await probe.acquire('d', ONE)).toMatchObject({ status: 'busy', place: 0 });
      const { holders, permits } = await probe.inspect();
      expect(holders.map(({ units }) => units)).toEqual([1, 1, 1]);
      expect(permits).toBe(3);
    });

    it('gives several permits at once: all or nothing', async () => {
      await probe.granted('a', TWO);
      expect(await probe.acquire('b', TWO)).toMatchObject({ status: 'busy' });
      await probe.granted('c', ONE);
      expect(await probe.holders()).toEqual(['a', 'c']);
      expect((await probe.leaseOf('a')).units).toBe(2);
    });

    it('takes a permit back from its owner only', async () => {
      const token = await probe.granted('a', ONE);
      await hold('b', 'c');
      await probe.release('d', token);
      expect(await probe.holders()).toEqual(['a', 'b', 'c']);
      expect(await probe.release('a', token)).toBe('released');
      expect(await probe.release('a', token)).toBe('expired');
      await hold('d');
      expect(await probe.acquire('a', ONE)).toMatchObject({ status: 'busy' });
    });

    it('gets a permit back that was not renewed, whatever its owner does later', async () => {
      const token = await probe.granted('a', { ...TWO, ttlMs: 50 });
      await hold('b');
      await probe.pass(60);
      await probe.granted('c', TWO);
      expect(await probe.renew('a', token)).toBe('expired');
      expect(await probe.release('a', token)).toBe('expired');
      expect(await probe.holders()).toEqual(['b', 'c']);
    });

    it('gives one permit by force, or all', async () => {
      const token = await probe.granted('a', ONE);
      await hold('b', 'c');
      await probe.wait('d', ONE);
      expect(await probe.store.forceRelease(probe.subject, token)).toHaveLength(1);
      expect(await probe.holders()).toEqual(['b', 'c', 'd']);
      expect(await probe.renew('a', token)).toBe('forced');
      expect(await probe.store.forceRelease(probe.subject)).toHaveLength(3);
      expect(await probe.holders()).toEqual([]);
    });

    it('hands its permits to those that wait, in their order, as far as they go', async () => {
      await probe.granted('a', { units: 3 });
      for (const [owner, asked] of [
        ['b', ONE],
        ['c', TWO],
        ['d', ONE],
      ] as const) {
        await probe.wait(owner, asked);
      }
      await probe.release('a');
      expect(await probe.holders()).toEqual(['b', 'c']);
      await probe.expectHandOver('b', { isWaitedFor: true });
      await probe.expectHandOver('c', { isWaitedFor: true });
      await probe.release('b');
      expect(await probe.holders()).toEqual(['c', 'd']);
      await probe.expectHandOver('d', { isWaitedFor: false });
    });

    it('lets nobody pass who needs less than the first that waits', async () => {
      await hold('a', 'b');
      expect(await probe.wait('c', TWO)).toBe(1);
      expect(await probe.acquire('d', ONE)).toMatchObject({ status: 'busy' });
      expect(await probe.wait('e', ONE)).toBe(2);
      await probe.release('a');
      expect(await probe.holders()).toEqual(['b', 'c']);
    });

    describe('of which another number of permits is declared', () => {
      it('tells the former one, once', async () => {
        const first = await probe.acquire('a', ONE);
        expect(first).toMatchObject({ status: 'granted' });
        expect(first).not.toHaveProperty('formerPermits', expect.anything());
        probe.permits = 5;
        expect(await probe.acquire('b', ONE)).toMatchObject({ formerPermits: 3 });
        const third = await probe.acquire('c', ONE);
        expect(third).not.toHaveProperty('formerPermits', expect.anything());
        expect((await probe.inspect()).permits).toBe(5);
      });

      it('lets those in that wait, if there are more', async () => {
        await hold('a', 'b', 'c');
        for (const owner of ['d', 'e']) await probe.wait(owner, ONE);
        probe.permits = 4;
        expect(await probe.acquire('f', ONE)).toMatchObject({ status: 'busy' });
        expect(await probe.holders()).toEqual(['a', 'b', 'c', 'd']);
        await probe.expectHandOver('d', { isWaitedFor: true });
        probe.permits = 6;
        expect(await probe.acquire('g', { ...ONE, number: 1 })).toMatchObject({
          status: 'granted',
          formerPermits: 4,
        });
        expect(await probe.holders()).toEqual(['a', 'b', 'c', 'd', 'e', 'g']);
      });

      it('takes none away if there are fewer, and gives none out until enough came back', async () => {
        await hold('a', 'b', 'c');
        await probe.wait('d', ONE);
        probe.permits = 1;
        expect(await probe.acquire('e', ONE)).toMatchObject({ status: 'busy' });
        for (const [owner, others] of [
          ['a', ['b', 'c']],
          ['b', ['c']],
          ['c', ['d']],
        ] as const) {
          await probe.release(owner);
          expect(await probe.holders()).toEqual(others);
        }
      });

      it('is not brought back to the former number by those that wait since before', async () => {
        await hold('a', 'b', 'c');
        await probe.wait('d', ONE);
        await probe.acquire('e', { ...ONE, permits: 2 });
        await probe.wait('d', { ...ONE, number: 2 });
        expect((await probe.inspect()).permits).toBe(2);
        await probe.release('a');
        expect(await probe.holders()).toEqual(['b', 'c']);
      });

      it('forgets its number when nobody needs it any more', async () => {
        await hold('a', 'b');
        await probe.release('a');
        await probe.release('b');
        expect(await probe.inspect()).toEqual({ holders: [], waiting: 0, permits: 0 });
        probe.permits = 5;
        const reply = await probe.acquire('c', ONE);
        expect(reply).not.toHaveProperty('formerPermits', expect.anything());
      });
    });

    it('has nothing to do with a lock of its name', async () => {
      const lock = { ...probe.subject, kind: 'lock' as const };
      const token = await probe.granted('a', { ...lock, units: 0, permits: 0 });
      await hold('b', 'c', 'd');
      await probe.wait('e', ONE);
      expect(await probe.store.inspect(lock)).toMatchObject({
        holders: [{ fencingToken: token }],
        waiting: 0,
        permits: 0,
      });
      const claim = { ...lock, owner: 'a', fencingToken: token };
      expect(await probe.store.renew([{ ...claim, ttlMs: 1_000 }])).toEqual(['renewed']);
      expect(await probe.store.release(claim)).toBe('released');
      expect(await probe.holders()).toEqual(['b', 'c', 'd']);
      expect(await probe.store.forceRelease(lock)).toEqual([]);
      await probe.release('b');
      expect(await probe.holders()).toEqual(['c', 'd', 'e']);
    });
  });
}
