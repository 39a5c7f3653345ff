import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { grantOf, termsOf } from '../../test/support/tenures.js';
import { ManualClock } from '../testing/manual.clock.js';
import { TestLockStore } from '../testing/test-lock.store.js';
import { BoundedStore } from './bounded-store.js';
import { LeaseKeeper } from './lease-keeper.js';
import { Lease, type LeaseTerms } from './lease.js';

const HOLDER = { service: 'billing', host: 'h', pid: 1 };
const TTL = 30_000;

describe('LeaseKeeper', () => {
  let clock: ManualClock;
  let store: TestLockStore;
  let keeper: LeaseKeeper;
  let renew: jest.SpiedFunction<TestLockStore['renew']>;
  const failed = jest.fn<(names: readonly string[], error: Error) => void>();
  beforeEach(() => {
    failed.mockReset();
    clock = new ManualClock();
    store = new TestLockStore(clock);
    renew = jest.spyOn(store, 'renew');
    keeper = new LeaseKeeper(new BoundedStore(store, clock, 2_000), clock, () => undefined, failed);
  });

  const hold = async (name: string, terms: Partial<LeaseTerms> = {}, grant = {}) => {
    const { ttlMs = TTL } = terms;
    const request = { name, kind: 'lock', units: 0, permits: 0, tokens: 1 } as const;
    const sentAt = clock.now();
    const reply = await store.acquire({ ...request, owner: 'me', ttlMs, holder: HOLDER });
    if (reply.status !== 'granted') throw new Error(reply.status);
    const { fencingToken } = reply;
    const lease = new Lease(
      grantOf(clock, { name, fencingToken, sentAt, lengthMs: ttlMs, ...grant }),
      termsOf({ ttlMs, ...terms }),
      clock,
      (lost) => keeper.drop(lost),
    );
    keeper.keep(lease);
    return lease;
  };
  const isTaken = async (name: string) =>
    (await store.inspect({ name, kind: 'lock' })).holders.length > 0;

  it('renews at a third of the ttl, again and again', async () => {
    const lease = await hold('a');
    await clock.advance(TTL / 3 - 1);
    expect(renew).not.toHaveBeenCalled();
    await clock.advance(1);
    expect(renew).toHaveBeenCalledTimes(1);
    await clock.advance(TTL * 10);
    expect(lease.isHeld).toBe(true);
    expect(renew.mock.calls.length).toBeLessThanOrEqual(31);
    expect(await isTaken('a')).toBe(true);
  });

  it('counts from the moment a renewal was sent, however late its answer', async () => {
    const lease = await hold('a');
    renew.mockImplementationOnce(async (requests) => {
      await new Promise<void>((resolve) => clock.setTimer(resolve, 1_500));
      return requests.map(() => 'renewed' as const);
    });
    await clock.advance(TTL / 3 + 1_500);
    expect(lease.renewAt).toBe((TTL / 3) * 2);
  });

  it('renews many in batches, not one by one', async () => {
    for (let i = 0; i < 1_200; i++) await hold(`n${i}`);
    await clock.advance(TTL / 3);
    expect(renew.mock.calls.map(([batch]) => batch.length)).toEqual([500, 500, 200]);
  });

  it('fills its batches with what is due soon', async () => {
    for (let i = 0; i < 20; i++) {
      await hold(`n${i}`);
      clock.freeze(50);
    }
    await clock.advance(TTL * 3);
    expect(renew.mock.calls.length).toBeLessThan(15);
  });

  it('renews groups apart, so that one that fails costs the others nothing', async () => {
    Object.assign(store, { renewalGroupOf: (name: string) => name[0] });
    const [a1, b1, a2] = [await hold('a1'), await hold('b1'), await hold('a2')];
    renew.mockImplementation(async (requests) => {
      if (requests[0]!.name.startsWith('b')) throw new Error('node down');
      return TestLockStore.prototype.renew.call(store, requests);
    });
    await clock.advance(TTL);
    expect(renew.mock.calls[0]![0].map(({ name }) => name)).toEqual(['a1', 'a2']);
    expect([a1!.isHeld, b1!.isHeld, a2!.isHeld]).toEqual([true, false, true]);
  });

  it('tries again after an error, without a hot loop, and tells it', async () => {
    const lease = await hold('a');
    store.fail('renew', { times: 5 });
    await clock.advance(TTL / 3 + 5_000);
    expect(failed.mock.calls.length).toBe(5);
    expect(failed.mock.calls[0]![0]).toEqual(['a']);
    expect(String(failed.mock.calls[0]![1])).toContain('renew was made to fail');
    await clock.advance(TTL);
    expect(lease.isHeld).toBe(true);
  });

  it.each([50, 1_000, TTL])(
    'asks a store that only fails no more than it must (ttl %d)',
    async (ttlMs) => {
      const lease = await hold('a', { ttlMs });
      store.fail('renew', { times: 10_000 });
      await clock.advance(ttlMs);
      expect(lease.isHeld).toBe(false);
      expect(lease.lossReason).toBe('deadline');
      expect(renew.mock.calls.length).toBeLessThan(Math.max(20, ttlMs / 100));
      const tries = renew.mock.calls.length;
      await clock.advance('10 minutes');
      expect(renew).toHaveBeenCalledTimes(tries);
    },
  );

  it('sends the next renewal although one hangs, and loses nothing', async () => {
    const lease = await hold('a');
    store.fail('renew', { error: 'hang', times: 2 });
    await clock.advance(TTL * 3);
    expect(lease.isHeld).toBe(true);
  });

  it('ends a lease at its deadline, whether or not anybody answers', async () => {
    const lease = await hold('a', { ttlMs: 1_000 });
    store.fail('renew', { error: 'hang', times: 100 });
    await clock.advance(987);
    expect(lease.lossReason).toBeUndefined();
    await clock.advance(1);
    expect(keeper.size).toBe(0);
    expect(lease.lossReason).toBe('deadline');
    expect(await isTaken('a')).toBe(true); // told before anybody else could have it
  });

  it('renews the others whatever a listener of a loss throws', async () => {
    const other = await hold('other');
    const terms = termsOf({ ttlMs: 1_000, renew: false });
    const lost = new Lease(grantOf(clock, { lengthMs: 1_000 }), terms, clock, (lease) => {
      keeper.drop(lease);
      throw new Error('the logger is broken');
    });
    keeper.keep(lost);
    await expect(clock.advance(1_000)).rejects.toThrow('the logger is broken');
    await clock.advance(TTL * 3);
    expect(other.isHeld).toBe(true);
    expect(await isTaken('other')).toBe(true);
  });

  it.each(['expired', 'taken-over', 'forced'] as const)(
    'ends a lease that the store calls %s',
    async (reply) => {
      const lease = await hold('a');
      renew.mockResolvedValueOnce([reply]);
      await clock.advance(TTL / 3);
      expect(lease.lossReason).toBe(reply);
      await clock.advance(TTL);
      expect(renew).toHaveBeenCalledTimes(1);
    },
  );

  it('leaves alone what has ended or is not to be renewed, and then sleeps', async () => {
    const released = await hold('released');
    await hold('not renewed', { renew: false });
    released.markReleased();
    keeper.drop(released);
    const setTimer = jest.spyOn(clock, 'setTimer');
    await clock.advance(TTL);
    expect(renew).not.toHaveBeenCalled();
    expect(keeper.size).toBe(0);
    setTimer.mockClear();
    await clock.advance(TTL);
    expect(setTimer).not.toHaveBeenCalled();
  });

  it('bears a renewal that is answered after the release', async () => {
    const lease = await hold('a');
    store.fail('renew', { error: 'hang' });
    await clock.advance(TTL / 3);
    lease.markReleased();
    keeper.drop(lease);
    await clock.advance(TTL);
    expect(failed).not.toHaveBeenCalled();
    expect(lease.lossReason).toBeUndefined();
    expect(renew).toHaveBeenCalledTimes(1);
  });

  it('takes a shorter ttl into account at once', async () => {
    const lease = await hold('a');
    const request = lease.beginExtension(1_000, clock.now());
    keeper.reconsider(lease);
    lease.confirm(clock.now(), request.ttlMs);
    keeper.reconsider(lease);
    await clock.advance(1_000 / 3 + 1);
    expect(renew).toHaveBeenCalledTimes(1);
    await clock.advance('1 minute');
    expect(lease.isHeld).toBe(true);
  });

  it('confirms soon what was handed over, and from then on renews as usual', async () => {
    const lease = await hold('a', {}, { lengthMs: 3_000 });
    expect(lease.remainingMs).toBeLessThan(3_000);
    await clock.advance(10);
    expect(renew).toHaveBeenCalledTimes(1);
    expect(lease.remainingMs).toBeGreaterThan(20_000);
    await clock.advance(TTL / 3 - 10);
    expect(renew).toHaveBeenCalledTimes(1);
  });

  it('confirms nothing that was given back before it was due', async () => {
    const lease = await hold('a', {}, { lengthMs: 3_000 });
    await clock.advance(9);
    lease.markReleased();
    keeper.drop(lease);
    await clock.advance(TTL);
    expect(renew).not.toHaveBeenCalled();
  });

  it('asks once for a lease whose answer is still owed, however often it wakes for others', async () => {
    await hold('a', {}, { lengthMs: 3_000 });
    store.fail('renew', { error: 'hang', times: 100 });
    for (let i = 0; i < 10; i++) {
      await clock.advance(20);
      await hold(`n${i}`, {}, { lengthMs: 3_000 });
    }
    const asked = renew.mock.calls.flatMap(([batch]) => batch.filter(({ name }) => name === 'a'));
    expect(asked).toHaveLength(1);
  });

  it('passes on no more what others wait for', async () => {
    const lease = await hold('a', { passesLeft: 5 }, { lastToken: Infinity });
    expect(lease.mayPass()).toBe(true);
    renew.mockResolvedValueOnce(['contended']);
    await clock.advance(TTL / 3);
    expect(lease.isHeld).toBe(true);
    expect(lease.passesLeft).toBe(0);
  });

  it('lists what it keeps', async () => {
    const leases = [await hold('a'), await hold('b')];
    expect([...keeper]).toEqual(leases);
    expect(keeper.size).toBe(2);
  });
});
