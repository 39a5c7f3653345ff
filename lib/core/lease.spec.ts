import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { LockLostError, LockReleasedError } from '../lock.errors.js';
import { ManualClock } from '../testing/manual.clock.js';
import { driftOf, Lease, type LeaseGrant, type LossListener } from './lease.js';

const TTL = 10_000;

describe('Lease', () => {
  let clock: ManualClock;
  const onLost = jest.fn<LossListener>();
  beforeEach(() => {
    clock = new ManualClock();
    onLost.mockReset();
  });

  const leaseOf = (grant: Partial<LeaseGrant> = {}) => {
    const whole = { name: 'a', owner: 'me', fencingToken: 7, ttlMs: TTL, renew: true };
    return new Lease(
      { ...whole, sentAt: clock.now(), maxHoldMs: Infinity, ...grant },
      clock,
      onLost,
    );
  };
  const goTo = (time: number) => clock.freeze(Math.ceil(time) - clock.now());

  it('allows for a drift of 1 % and 2 ms', () => {
    expect(driftOf(10_000)).toBe(102);
    expect(driftOf(50)).toBe(2.5);
  });

  it('is held until ttl less drift after the command was sent, not after its answer', () => {
    const sentAt = clock.now();
    clock.freeze(3_000); // the answer was slow
    const lease = leaseOf({ sentAt });
    expect(lease.remainingMs).toBe(TTL - driftOf(TTL) - 3_000);
    goTo(TTL - driftOf(TTL) - 1);
    expect(lease.isHeld).toBe(true);
    clock.freeze(1);
    expect(lease.isHeld).toBe(false);
    expect(lease.remainingMs).toBe(0);
  });

  it('is renewed first a third of its ttl after the command was sent', () => {
    clock.freeze(100);
    const lease = leaseOf({ sentAt: 0 });
    expect(lease.renewAt).toBe(TTL / 3);
    expect(lease.wakeAt).toBe(TTL / 3);
  });

  it('aborts its signal when that is asked for after the deadline, before any timer has run', () => {
    const lease = leaseOf();
    expect(lease.signal.aborted).toBe(false);
    clock.freeze(TTL);
    expect(lease.signal.aborted).toBe(true);
  });

  it('aborts its signal also if telling the loss throws', () => {
    const lease = leaseOf();
    const { signal } = lease;
    onLost.mockImplementation(() => {
      throw new Error('nobody listens');
    });
    expect(() => lease.lose('forced')).toThrow('nobody listens');
    expect(signal.aborted).toBe(true);
  });

  it('counts by a shorter renewal that may have been applied after a longer one', () => {
    const lease = leaseOf();
    const [shorter] = [lease.beginRenewal(clock.now())];
    clock.freeze(100);
    const longer = lease.beginExtension(TTL * 10, clock.now());
    lease.confirm(100, longer.ttlMs);
    lease.confirm(0, shorter.ttlMs);
    expect(lease.remainingMs).toBe(TTL - driftOf(TTL) - 100);
    expect(lease.renewAt).toBe(clock.now());
  });

  it('aborts its signal, tells the loss and throws it once its deadline has passed', () => {
    const lease = leaseOf();
    const { signal } = lease;
    let heldInListener: boolean | undefined;
    signal.addEventListener('abort', () => (heldInListener = lease.isHeld));
    clock.freeze(TTL);
    expect(signal.aborted).toBe(false);
    lease.checkDeadline();
    lease.checkDeadline();
    expect(signal.reason).toBeInstanceOf(LockLostError);
    expect(heldInListener).toBe(false);
    expect(lease.loss).toBe(signal.reason);
    expect(lease.loss).toMatchObject({ lockName: 'a', fencingToken: 7, reason: 'deadline' });
    expect(() => lease.assertHeld()).toThrow(lease.loss);
    expect(onLost.mock.calls).toEqual([[lease, lease.loss]]);
  });

  it('gives a signal that has aborted already to who asks after the loss', () => {
    const lease = leaseOf();
    clock.freeze(TTL);
    expect(lease.signal.aborted).toBe(true);
    expect(lease.signal.reason).toBe(lease.loss);
    expect(onLost).toHaveBeenCalledTimes(1);
  });

  describe('a renewal', () => {
    it('counts from the moment it was sent', () => {
      const lease = leaseOf();
      clock.freeze(4_000);
      const request = lease.beginRenewal(clock.now());
      expect(request).toEqual({ name: 'a', owner: 'me', fencingToken: 7, ttlMs: TTL });
      clock.freeze(1_000);
      expect(lease.confirm(4_000, request.ttlMs)).toBe(true);
      expect(lease.remainingMs).toBe(TTL - driftOf(TTL) - 1_000);
      expect(lease.renewAt).toBe(4_000 + TTL / 3);
    });

    it('is tried again before the deadline where no answer comes', () => {
      const lease = leaseOf();
      lease.beginRenewal(4_000);
      expect(lease.renewAt).toBe(4_000 + TTL / 6);
    });

    it('never revives a lost lease, although its answer says so', () => {
      const lease = leaseOf();
      lease.beginRenewal(9_000);
      clock.freeze(TTL);
      expect(lease.confirm(9_000, TTL)).toBe(false);
      expect(lease.isHeld).toBe(false);
    });

    it('that is answered out of order does not count', () => {
      const lease = leaseOf();
      clock.freeze(3_000);
      expect(lease.confirm(2_000, TTL)).toBe(true);
      expect(lease.confirm(1_000, TTL)).toBe(true);
      expect(lease.remainingMs).toBe(2_000 + TTL - driftOf(TTL) - 3_000);
    });
  });

  describe('an extension', () => {
    it('that is shorter counts from when it is sent, answered or not', () => {
      const lease = leaseOf();
      lease.beginExtension(1_000, 0);
      expect(lease.remainingMs).toBe(1_000 - driftOf(1_000));
    });

    it('that is longer counts once it is confirmed', () => {
      const lease = leaseOf();
      const { ttlMs } = lease.beginExtension(60_000, 0);
      expect(lease.remainingMs).toBe(TTL - driftOf(TTL));
      lease.confirm(0, ttlMs);
      expect(lease.remainingMs).toBe(60_000 - driftOf(60_000));
      expect(lease.beginRenewal(20_000).ttlMs).toBe(60_000);
    });

    it('that is shorter bounds a renewal confirmed after it', () => {
      const lease = leaseOf();
      lease.beginRenewal(0);
      lease.beginExtension(1_000, 0);
      lease.confirm(0, TTL);
      expect(lease.remainingMs).toBe(1_000 - driftOf(1_000));
    });
  });

  describe('with maxHold', () => {
    it('below its ttl, ends at maxHold and is not renewed', () => {
      const lease = leaseOf({ maxHoldMs: 1_000 });
      expect(lease.remainingMs).toBe(1_000 - driftOf(1_000));
      expect(lease.renewAt).toBe(Infinity);
      clock.freeze(1_000);
      expect(lease.loss).toMatchObject({ reason: 'max-hold' });
    });

    it('above its ttl, is renewed up to maxHold and no further', () => {
      const lease = leaseOf({ maxHoldMs: TTL + 2_000 });
      clock.freeze(4_000);
      const { ttlMs } = lease.beginRenewal(4_000);
      expect(ttlMs).toBe(8_000);
      lease.confirm(4_000, ttlMs);
      expect(lease.renewAt).toBe(Infinity);
      goTo(TTL + 2_000);
      expect(lease.loss).toMatchObject({ reason: 'max-hold' });
    });
  });

  it('taken with renew: false, is never renewed and ends at its ttl', () => {
    const lease = leaseOf({ renew: false });
    expect(lease.renewAt).toBe(Infinity);
    lease.beginExtension(TTL, 0);
    expect(lease.renewAt).toBe(Infinity);
    clock.freeze(TTL);
    expect(lease.loss).toMatchObject({ reason: 'not-renewed' });
  });

  describe('after its release', () => {
    it('is quiet for good, also past its ttl', () => {
      const lease = leaseOf();
      const { signal } = lease;
      expect(lease.markReleased()).toBe(true);
      expect(lease.markReleased()).toBe(false);
      clock.freeze(TTL * 2);
      lease.checkDeadline();
      lease.lose('taken-over'); // a renewal that was under way
      expect([lease.isHeld, lease.isReleased, signal.aborted]).toEqual([false, true, false]);
      expect(lease.loss).toBeUndefined();
      expect(() => lease.assertHeld()).toThrow(LockReleasedError);
      expect(lease.confirm(0, TTL)).toBe(false);
      expect(onLost).not.toHaveBeenCalled();
    });

    it('was not released if it was lost before', () => {
      const lease = leaseOf();
      clock.freeze(TTL);
      expect(lease.markReleased()).toBe(false);
      expect(lease.isReleased).toBe(false);
      expect(onLost).toHaveBeenCalledTimes(1);
    });
  });

  it('keeps the first reason of its loss', () => {
    const lease = leaseOf();
    lease.lose('forced');
    lease.lose('taken-over');
    clock.freeze(TTL);
    expect(lease.loss).toMatchObject({ reason: 'forced' });
    expect(onLost).toHaveBeenCalledTimes(1);
  });
});
