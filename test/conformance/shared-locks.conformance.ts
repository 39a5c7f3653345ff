import { beforeEach, describe, expect, it } from '@jest/globals';
import type { StoreProbe } from './store-probe.js';

const SHARED = { units: 1, permits: 0 };

/** How those that read share a name, and those that write do not. */
export function hasSharedLocks(probeUnderTest: () => StoreProbe): void {
  describe('a shared lock', () => {
    let probe: StoreProbe;
    beforeEach(() => {
      probe = probeUnderTest();
    });

    it('is held by any number at once, each with a token of its own', async () => {
      const tokens: number[] = [];
      for (const reader of ['r1', 'r2', 'r3']) tokens.push(await probe.granted(reader, SHARED));
      expect(tokens).toEqual([...new Set(tokens)].sort((x, y) => x - y));
      const { holders } = await probe.inspect();
      expect(holders.map(({ fencingToken, units }) => [fencingToken, units])).toEqual(
        tokens.map((token) => [token, 1]),
      );
    });

    it('excludes those that write, and they exclude it', async () => {
      await probe.granted('r1', SHARED);
      expect(await probe.acquire('w')).toMatchObject({ status: 'busy' });
      await probe.release('r1');
      await probe.granted('w');
      expect(await probe.acquire('r1', SHARED)).toMatchObject({ status: 'busy' });
    });

    it('tells who is refused of the lease in the way that ends first', async () => {
      await probe.granted('r1', SHARED);
      await probe.granted('r2', { ...SHARED, ttlMs: 1_000 });
      expect(await probe.acquire('w')).toMatchObject({ lease: { holder: { service: 'r2' } } });
    });

    it('is given back, renewed and lost by each for itself', async () => {
      const first = await probe.granted('r1', SHARED);
      const second = await probe.granted('r2', { ...SHARED, ttlMs: 200 });
      await probe.granted('r3', { ...SHARED, ttlMs: 200 });
      expect(await probe.renew('r2', second)).toBe('renewed');
      expect(await probe.release('r1', first)).toBe('released');
      await probe.pass(250);
      expect(await probe.holders()).toEqual(['r2']);
      expect(await probe.release('r1', first)).toBe('expired');
    });

    it('goes by force from one of those that hold it, or from all', async () => {
      const tokens = [];
      for (const reader of ['r1', 'r2', 'r3']) tokens.push(await probe.granted(reader, SHARED));
      await probe.store.forceRelease(probe.subject, tokens[1]);
      expect(await probe.holders()).toEqual(['r1', 'r3']);
      expect(await probe.renew('r2', tokens[1]!)).toBe('forced');
      expect(await probe.renew('r1', tokens[0]!)).toBe('renewed');
      expect(await probe.store.forceRelease(probe.subject)).toHaveLength(2);
      expect(await probe.holders()).toEqual([]);
      expect(await probe.renew('r1', tokens[0]!)).toBe('forced');
    });

    it('is held back from those that come after one that waits to write', async () => {
      await probe.granted('r1', SHARED);
      expect(await probe.wait('w')).toBe(1);
      expect(await probe.wait('r2', SHARED)).toBe(2);
      expect(await probe.acquire('r3', SHARED)).toMatchObject({ status: 'busy', place: 0 });
      await probe.release('r1');
      expect(await probe.holders()).toEqual(['w']);
      await probe.release('w');
      expect(await probe.holders()).toEqual(['r2']);
      await probe.expectHandOver('r2');
    });

    it('is handed to all that wait, up to the first that waits to write', async () => {
      await probe.granted('w1');
      for (const reader of ['r1', 'r2']) await probe.wait(reader, SHARED);
      await probe.wait('w2');
      await probe.wait('r3', SHARED);
      await probe.release('w1');
      expect(await probe.holders()).toEqual(['r1', 'r2']);
      await probe.expectHandOver('r1', { isWaitedFor: true });
      await probe.expectHandOver('r2', { isWaitedFor: true });
      await probe.release('r1');
      expect(await probe.holders()).toEqual(['r2']);
      await probe.release('r2');
      expect(await probe.holders()).toEqual(['w2']);
    });

    it('is handed to those behind one that no longer waits to write', async () => {
      await probe.granted('r1', SHARED);
      await probe.wait('w');
      await probe.wait('r2', SHARED);
      expect(await probe.release('w')).toBe('expired'); // nobody holds it alone
      expect(await probe.holders()).toEqual(['r1', 'r2']);
      await probe.expectHandOver('r2');
    });

    it('learns with its renewals that somebody waits to write', async () => {
      const token = await probe.granted('r1', SHARED);
      await probe.wait('w');
      expect(await probe.renew('r1', token)).toBe('contended');
    });
  });
}
