import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { grantOf, termsOf } from '../../test/support/tenures.js';
import { ManualClock } from '../testing/manual.clock.js';
import { driftOf } from './clock.js';
import { Lease, type LeaseGrant, type LeaseTerms, type LossListener } from './lease.js';

const TTL = 10_000;

describe('Lease', () => {
  let clock: ManualClock;
  const onLost = jest.fn<LossListener>();
  beforeEach(() => {
    clock = new ManualClock();
    onLost.mockReset();
  });

  const leaseOf = (terms: Partial<LeaseTerms> = {}, grant: Partial<LeaseGrant> = {}) =>
    new Lease(
      grantOf(clock, { lengthMs: TTL, ...grant }),
      termsOf({ ttlMs: TTL, ...terms }),
      clock,
      onLost,
    );
  const goTo = (time: number) => clock.freeze(Math.ceil(time) - clock.now());

  it('allows for a drift of 1 % and 2 ms', () => {
    expect(driftOf(10_000)).toBe(102);
    expect(driftOf(50)).toBe(2.5);
  });

  it('is held until ttl less drift after the command was sent, not after its answer', () => {
    const sentAt = clock.now();
    clock.freeze(3_000); // the answer was slow
    const lease = leaseOf({}, { sentAt });
    expect(lease.remainingMs).toBe(TTL - driftOf(TTL) - 3_000);
    goTo(TTL - driftOf(TTL) - 1);
    expect(lease.isHeld).toBe(true);
    clock.freeze(1);
    expect(lease.isHeld).toBe(false);
    expect(lease.remainingMs).toBe(0);
  });

  it('is renewed first a third of its ttl after the command was sent', () => {
    clock.freeze(100);
    const lease = leaseOf({}, { sentAt: 0 });
    expect(lease.renewAt).toBe(TTL / 3);
    expect(lease.wakeAt).toBe(TTL / 3);
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

  it('tells its loss once, when its deadline has passed and somebody looks', () => {
    const lease = leaseOf();
    clock.freeze(TTL);
    expect(onLost).not.toHaveBeenCalled();
    onLost.mockImplementation((lost) => expect(lost.isHeld).toBe(false));
    lease.checkDeadline();
    lease.checkDeadline();
    expect(lease.lossReason).toBe('deadline');
    expect(onLost.mock.calls).toEqual([[lease, 'deadline']]);
  });

  describe('a renewal', () => {
    it('counts from the moment it was sent', () => {
      const lease = leaseOf();
      clock.freeze(4_000);
      const request = lease.beginRenewal(clock.now());
      expect(request).toEqual({
        name: 'a',
        kind: 'lock',
        owner: 'me',
        fencingToken: 7,
        ttlMs: TTL,
      });
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
      expect(lease.lossReason).toBe('max-hold');
    });

    it('above its ttl, is renewed up to maxHold and no further', () => {
      const lease = leaseOf({ maxHoldMs: TTL + 2_000 });
      clock.freeze(4_000);
      const { ttlMs } = lease.beginRenewal(4_000);
      expect(ttlMs).toBe(8_000);
      lease.confirm(4_000, ttlMs);
      expect(lease.renewAt).toBe(Infinity);
      goTo(TTL + 2_000);
      expect(lease.lossReason).toBe('max-hold');
    });
  });

  it('taken with renew: false, is never renewed and ends at its ttl', () => {
    const lease = leaseOf({ renew: false });
    expect(lease.renewAt).toBe(Infinity);
    lease.beginExtension(TTL, 0);
    expect(lease.renewAt).toBe(Infinity);
    clock.freeze(TTL);
    expect(lease.lossReason).toBe('not-renewed');
  });

  it('taken with renew: false, lasts for an extension from then on', () => {
    const lease = leaseOf({ renew: false });
    clock.freeze(4_000);
    const { ttlMs } = lease.beginExtension(TTL, 4_000);
    lease.confirm(4_000, ttlMs);
    expect(lease.remainingMs).toBe(TTL - driftOf(TTL));
    expect(lease.renewAt).toBe(Infinity);
  });

  describe('after its release', () => {
    it('is quiet for good, also past its ttl', () => {
      const lease = leaseOf();
      expect(lease.markReleased()).toBe(true);
      expect(lease.markReleased()).toBe(false);
      clock.freeze(TTL * 2);
      lease.checkDeadline();
      lease.lose('taken-over'); // a renewal that was under way
      expect([lease.isHeld, lease.remainingMs]).toEqual([false, 0]);
      expect(lease.lossReason).toBeUndefined();
      expect(lease.confirm(0, TTL)).toBe(false);
      expect(onLost).not.toHaveBeenCalled();
    });

    it('was not released if it was lost before', () => {
      const lease = leaseOf();
      clock.freeze(TTL);
      expect(lease.markReleased()).toBe(false);
      expect(lease.lossReason).toBe('deadline');
      expect(onLost).toHaveBeenCalledTimes(1);
    });
  });

  it('keeps the first reason of its loss', () => {
    const lease = leaseOf();
    lease.lose('forced');
    lease.lose('taken-over');
    clock.freeze(TTL);
    expect(lease.lossReason).toBe('forced');
    expect(onLost).toHaveBeenCalledTimes(1);
  });

  describe('that was handed over', () => {
    // The registration was sent at 0, the message came at 500.
    const handedOver = (terms: Partial<LeaseTerms> = {}, grant: Partial<LeaseGrant> = {}) => {
      clock.freeze(500);
      return leaseOf(terms, { sentAt: 0, lengthMs: 3_000, beganAt: 500, ...grant });
    };

    it('lasts as long as the registration that it rests on, until it is confirmed', () => {
      const lease = handedOver();
      expect(lease.beganAt).toBe(500);
      expect(lease.remainingMs).toBe(3_000 - driftOf(3_000) - 500);
      const { ttlMs } = lease.beginRenewal(clock.now());
      expect(ttlMs).toBe(TTL);
      lease.confirm(500, ttlMs);
      expect(lease.remainingMs).toBe(TTL - driftOf(TTL));
      expect(lease.renewAt).toBe(500 + TTL / 3);
    });

    it('is confirmed after 10 ms, or earlier where a third of its time has passed', () => {
      expect(handedOver().renewAt).toBe(510);
      const late = leaseOf({}, { sentAt: 0, lengthMs: 1_200, beganAt: 500 });
      expect(late.renewAt).toBe(400);
    });

    it('is asked to be confirmed again soon where no answer comes', () => {
      const lease = handedOver();
      lease.beginRenewal(510);
      expect(lease.renewAt).toBe(510 + 3_000 / 6);
    });

    it('and is not to be renewed, is confirmed all the same, for its ttl from when it began', () => {
      const lease = handedOver({ renew: false });
      expect(lease.renewAt).toBe(510);
      const { ttlMs } = lease.beginRenewal(510);
      expect(ttlMs).toBe(TTL - 10);
      lease.confirm(510, ttlMs);
      expect(lease.renewAt).toBe(Infinity);
      goTo(500 + TTL);
      expect(lease.lossReason).toBe('not-renewed');
    });

    it('counts maxHold from when it began', () => {
      const lease = handedOver({ maxHoldMs: 5_000 });
      const { ttlMs } = lease.beginRenewal(510);
      expect(ttlMs).toBe(4_990);
      lease.confirm(510, ttlMs);
      expect(lease.renewAt).toBe(Infinity);
      goTo(5_500);
      expect(lease.lossReason).toBe('max-hold');
    });
  });

  describe('passes from one caller of the process to the next', () => {
    const passable = (terms: Partial<LeaseTerms> = {}, grant: Partial<LeaseGrant> = {}) =>
      leaseOf({ passesLeft: 2, ...terms }, { fencingToken: 7, lastToken: 70, ...grant });

    it('with the next token each time, as often as it may', () => {
      const lease = passable();
      expect([lease.mayPass(), lease.pass(), lease.mayPass(), lease.pass()]).toEqual([
        true,
        8,
        true,
        9,
      ]);
      expect(lease.mayPass()).toBe(false);
      expect(lease.currentToken).toBe(9);
      expect(lease.fencingToken).toBe(7);
    });

    it('as long as there are tokens in its block', () => {
      const lease = passable({}, { lastToken: 8 });
      lease.pass();
      expect(lease.mayPass()).toBe(false);
    });

    it('for a short turn, counted from when it began', () => {
      clock.freeze(500);
      const lease = passable({}, { sentAt: 0, beganAt: 500 });
      clock.freeze(24);
      expect(lease.mayPass()).toBe(true);
      expect(lease.turnEndsAt).toBe(525);
      clock.freeze(1);
      expect(lease.mayPass()).toBe(false);
    });

    it.each<[string, Partial<LeaseTerms>]>([
      ['is not renewed', { renew: false }],
      ['ends at maxHold', { maxHoldMs: 60_000 }],
      ['holds the name at least for some time', { minHoldMs: 1 }],
    ])('but not if it %s: that end is its own', (_what, terms) => {
      expect(passable(terms).mayPass()).toBe(false);
    });

    it('but not once it has ended', () => {
      const [lost, released] = [passable(), passable()];
      lost.lose('forced');
      released.markReleased();
      expect([lost.mayPass(), released.mayPass()]).toEqual([false, false]);
    });
  });
});
