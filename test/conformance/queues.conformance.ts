import { beforeEach, describe, expect, it } from '@jest/globals';
import { LONG, type StoreProbe } from './store-probe.js';

/** Long enough for a busy machine to take a few steps, short enough to be waited for. */
const CLAIM = 500;

/** How those that wait for a name get it. */
export function hasQueues(probeUnderTest: () => StoreProbe): void {
  describe('those that wait', () => {
    let probe: StoreProbe;
    let first: number;
    beforeEach(async () => {
      probe = probeUnderTest();
      first = await probe.granted('a', { holder: { service: 'a', host: 'h', pid: 1 } });
    });

    it('are told their place, and who is in the way', async () => {
      expect(await probe.wait('b')).toBe(1);
      expect(await probe.acquire('c', { number: 1 })).toMatchObject({
        status: 'busy',
        place: 2,
        lease: { holder: { service: 'a' }, fencingToken: first },
      });
      expect(await probe.wait('b', { number: 2 })).toBe(1);
      expect(await probe.acquire('d')).toMatchObject({ status: 'busy', place: 0 });
      expect((await probe.inspect()).waiting).toBe(2);
    });

    it('are told to others, first to last, and without the secret', async () => {
      const { name, kind, permits } = probe;
      const subject = { name, kind };
      expect(await probe.store.queueOf!(subject, 10)).toEqual([]);
      await probe.wait('b', { holder: { service: 'b', host: 'h', pid: 2 } });
      await probe.wait('c', { holder: { service: 'c', host: 'h', pid: 3 }, units: 1, permits });
      await probe.wait('b', { number: 2, holder: { service: 'b', host: 'h', pid: 2 } });
      const queue = [
        { holder: { service: 'b', host: 'h', pid: 2 }, units: 0 },
        { holder: { service: 'c', host: 'h', pid: 3 }, units: 1 },
      ];
      expect(await probe.store.queueOf!(subject, 10)).toEqual(queue);
      expect(await probe.store.queueOf!(subject, 1)).toEqual(queue.slice(0, 1));
      await probe.release('b');
      expect(await probe.store.queueOf!(subject, 10)).toEqual(queue.slice(1));
    });

    it('are handed the name with its release: a larger token, and the number that it rests on', async () => {
      await probe.wait('b');
      await probe.wait('b', { number: 2 });
      await probe.wait('b', { number: 3 });
      expect(await probe.release('a', first)).toBe('released');
      expect(await probe.holders()).toEqual(['b']);
      const told = { registrationNumber: 3, isWaitedFor: false };
      expect(await probe.expectHandOver('b', told)).toBeGreaterThan(first);
      expect((await probe.inspect()).waiting).toBe(0);
    });

    it('are handed the name in the order in which they came', async () => {
      for (const owner of ['b', 'c', 'd']) await probe.wait(owner);
      await probe.wait('b', { number: 2 });
      const tokens = [first];
      for (const [owner, next, isWaitedFor] of [
        ['a', 'b', true],
        ['b', 'c', true],
        ['c', 'd', false],
      ] as const) {
        await probe.release(owner);
        expect(await probe.holders()).toEqual([next]);
        tokens.push(await probe.expectHandOver(next, { isWaitedFor }));
      }
      expect(tokens).toEqual([...new Set(tokens)].sort((x, y) => x - y));
    });

    it('are handed the name when it is taken by force', async () => {
      await probe.wait('b');
      expect(await probe.store.forceRelease(probe.subject)).toHaveLength(1);
      expect(await probe.holders()).toEqual(['b']);
      await probe.expectHandOver('b');
      expect(await probe.renew('a', first)).toBe('forced');
    });

    it('are handed a block of tokens if they have use for one', async () => {
      await probe.wait('b', { tokens: 64 });
      await probe.wait('c');
      await probe.release('a');
      const token = await probe.expectHandOver('b');
      await probe.expectHandOver('b', { lastToken: token + 63 });
      await probe.release('b');
      expect(await probe.expectHandOver('c')).toBeGreaterThan(token + 63);
    });

    it('keep the holder informed with its renewals, as long as there are any', async () => {
      expect(await probe.renew('a', first)).toBe('renewed');
      await probe.wait('b');
      expect(await probe.renew('a', first)).toBe('contended');
      await probe.wait('c');
      await probe.release('b');
      expect(await probe.renew('a', first)).toBe('contended');
      await probe.release('c');
      expect(await probe.renew('a', first)).toBe('renewed');
    });

    it('leave the queue by a release, and keep the others their places', async () => {
      await probe.wait('b');
      await probe.wait('c');
      expect(await probe.release('b')).toBe('taken-over');
      expect((await probe.inspect()).waiting).toBe(1);
      expect(await probe.wait('c', { number: 2 })).toBe(1);
      await probe.release('a');
      expect(await probe.holders()).toEqual(['c']);
    });

    it('hand on at once what was handed over to one that has left', async () => {
      await probe.wait('b');
      await probe.wait('c');
      await probe.release('a');
      expect(await probe.release('b')).toBe('released');
      expect(await probe.holders()).toEqual(['c']);
      await probe.expectHandOver('c');
    });

    it('keep their places past many leases, as long as they register again', async () => {
      await probe.wait('b', { claimMs: CLAIM });
      await probe.wait('c', { claimMs: CLAIM });
      for (let number = 2; number < 6; number++) {
        await probe.pass(CLAIM / 2);
        expect(await probe.wait('c', { number, claimMs: CLAIM })).toBe(2);
        expect(await probe.wait('b', { number, claimMs: CLAIM })).toBe(1);
      }
      await probe.release('a');
      expect(await probe.holders()).toEqual(['b']);
    });

    it('wait for the end of the shortest hold, too', async () => {
      await probe.wait('b');
      expect(await probe.release('a', first, CLAIM)).toBe('released');
      expect(await probe.holders()).toEqual(['a']);
      await probe.pass(CLAIM + 10);
      expect(await probe.acquire('b', { number: 2 })).toMatchObject({ status: 'granted' });
    });

    describe('when a holder has died', () => {
      beforeEach(async () => {
        await probe.wait('b');
        await probe.renew('a', first, 50);
        await probe.pass(60);
      });

      it('are handed the name by the first that asks', async () => {
        expect(await probe.acquire('c', { number: 1 })).toMatchObject({
          status: 'busy',
          place: 1,
          lease: { holder: { service: 'b' } },
        });
        expect(await probe.holders()).toEqual(['b']);
        await probe.expectHandOver('b', { registrationNumber: 1 });
      });

      it('are not overtaken by one that only tries', async () => {
        expect(await probe.acquire('c')).toMatchObject({ status: 'busy', place: 0 });
        expect(await probe.holders()).toEqual(['b']);
      });

      it('take the name by asking again, for as long as they are registered', async () => {
        const reply = await probe.acquire('b', { number: 2, claimMs: 10_000 });
        expect(reply).toMatchObject({ status: 'granted', isWaitedFor: false });
        expect((await probe.leaseOf('b')).remainingMs).toBeLessThanOrEqual(10_000);
      });

      it('get it in their order, also when a later one asks first', async () => {
        expect(await probe.acquire('c', { number: 1 })).toMatchObject({ place: 1 });
        expect(await probe.acquire('c', { number: 2 })).toMatchObject({ status: 'busy' });
        const again = await probe.acquire('b', { number: 2 });
        expect(again).toMatchObject({ status: 'granted', isWaitedFor: true });
      });
    });

    describe('and have not registered again in time', () => {
      beforeEach(async () => {
        await probe.wait('b', { claimMs: CLAIM });
      });

      it('are forgotten after a while, also while the name is held', async () => {
        expect(await probe.wait('c')).toBe(2);
        await probe.pass(4 * CLAIM + 10);
        expect(await probe.wait('c', { number: 2 })).toBe(1);
      });

      it('are passed over', async () => {
        await probe.wait('c');
        await probe.pass(CLAIM + 10);
        await probe.release('a');
        expect(await probe.holders()).toEqual(['c']);
      });

      it('have their place all the same if they come again', async () => {
        await probe.wait('c');
        await probe.pass(CLAIM + 10);
        expect(await probe.wait('b', { number: 2 })).toBe(1);
        await probe.release('a');
        expect(await probe.holders()).toEqual(['b']);
      });

      it('keep nobody else from a free name', async () => {
        await probe.pass(CLAIM + 10);
        await probe.release('a');
        expect(await probe.acquire('c')).toMatchObject({ status: 'granted' });
      });

      it('do not shorten the lease of one that comes after them', async () => {
        await probe.wait('c'); // while it is there, the queue is kept
        await probe.pass(CLAIM + 10);
        await probe.release('c');
        await probe.release('a');
        const asked = { number: 1, claimMs: CLAIM, ttlMs: LONG };
        expect(await probe.acquire('d', asked)).toMatchObject({ status: 'granted' });
        // Who asks for the first time counts on the whole ttl.
        expect((await probe.leaseOf('d')).remainingMs).toBeGreaterThan(CLAIM);
      });
    });

    describe('a lease that was handed over', () => {
      let token: number;
      beforeEach(async () => {
        await probe.wait('b', { claimMs: CLAIM });
        await probe.release('a');
        token = await probe.expectHandOver('b');
      });

      it('lasts as long as a registration, and from its first renewal on for the ttl', async () => {
        expect((await probe.leaseOf('b')).remainingMs).toBeLessThanOrEqual(CLAIM);
        expect(await probe.renew('b', token)).toBe('renewed');
        expect((await probe.leaseOf('b')).remainingMs).toBeGreaterThan(CLAIM);
      });

      it('goes to the next if it is not renewed', async () => {
        await probe.wait('c');
        await probe.pass(CLAIM + 10);
        expect(await probe.acquire('c', { number: 2 })).toMatchObject({ status: 'granted' });
        expect(await probe.renew('b', token)).toBe('taken-over');
      });

      it('is confirmed to who registers again, and counts anew', async () => {
        await probe.pass(CLAIM * 0.6);
        expect(await probe.granted('b', { number: 2, claimMs: CLAIM })).toBe(token);
        await probe.pass(CLAIM * 0.6);
        expect(await probe.leaseOf('b')).toMatchObject({ fencingToken: token });
      });

      it('is not made shorter by a registration that comes late', async () => {
        await probe.renew('b', token);
        expect(await probe.granted('b', { number: 2, claimMs: CLAIM })).toBe(token);
        expect((await probe.leaseOf('b')).remainingMs).toBeGreaterThan(CLAIM);
      });
    });
  });
}
