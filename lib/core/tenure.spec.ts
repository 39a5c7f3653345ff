import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { tenureOf } from '../../test/support/tenures.js';
import { LockLostError, LockReleasedError } from '../lock.errors.js';
import { ManualClock } from '../testing/manual.clock.js';
import { driftOf } from './clock.js';

import { Tenure } from './tenure.js';

const TTL = 10_000;

describe('Tenure', () => {
  let clock: ManualClock;
  let tenure: Tenure;
  beforeEach(() => {
    clock = new ManualClock();
    tenure = tenureOf(clock, {}, { ttlMs: TTL });
  });

  it('is held as long as its lease', () => {
    expect([tenure.name, tenure.fencingToken]).toEqual(['a', 7]);
    expect(tenure.remainingMs).toBe(TTL - driftOf(TTL));
    clock.freeze(TTL - driftOf(TTL) - 1);
    expect([tenure.isHeld, tenure.remainingMs]).toEqual([true, 1]);
    expect(() => tenure.assertHeld()).not.toThrow();
    clock.freeze(1);
    expect([tenure.isHeld, tenure.remainingMs]).toEqual([false, 0]);
  });

  it('counts from when it began, which may be later than its lease did', () => {
    clock.freeze(1_000);
    const next = new Tenure(tenure.lease, 8, clock.now(), clock);
    clock.freeze(500);
    expect([tenure.heldMs, next.heldMs]).toEqual([1_500, 500]);
    expect(next.fencingToken).toBe(8);
  });

  it('stands for itself', () => {
    expect(tenure.tenures).toEqual([tenure]);
  });

  it('aborts its signal with the loss, and throws that, once the deadline has passed', () => {
    const { signal } = tenure;
    let heldInListener: boolean | undefined;
    signal.addEventListener('abort', () => (heldInListener = tenure.isHeld));
    clock.freeze(TTL);
    expect(signal.aborted).toBe(false); // nobody has looked yet
    tenure.lease.checkDeadline();
    expect(signal.reason).toBeInstanceOf(LockLostError);
    expect(heldInListener).toBe(false);
    expect(tenure.loss).toBe(signal.reason);
    expect(tenure.loss).toMatchObject({ lockName: 'a', fencingToken: 7, reason: 'deadline' });
    expect(() => tenure.assertHeld()).toThrow(tenure.loss);
  });

  it('aborts its signal when that is asked for after the deadline, before any timer has run', () => {
    expect(tenure.signal.aborted).toBe(false);
    clock.freeze(TTL);
    expect(tenure.signal.aborted).toBe(true);
  });

  it('gives a signal that has aborted already to who asks after the loss', () => {
    clock.freeze(TTL);
    expect(tenure.signal.aborted).toBe(true);
    expect(tenure.signal.reason).toBe(tenure.loss);
  });

  it('throws its loss also if nobody looked before', () => {
    clock.freeze(TTL);
    expect(() => tenure.assertHeld()).toThrow(LockLostError);
  });

  it('tells the loss before it aborts its signal, and aborts that also if telling throws', () => {
    const { signal } = tenure;
    const tell = jest.fn<(loss: LockLostError) => void>(() => {
      expect([tenure.isHeld, signal.aborted]).toEqual([false, false]);
      throw new Error('nobody listens');
    });
    expect(() => tenure.lose('forced', tell)).toThrow('nobody listens');
    expect(tell.mock.calls).toEqual([[signal.reason]]);
    expect(signal.reason).toMatchObject({ reason: 'forced' });
  });

  it('keeps the first reason of its loss', () => {
    const tell = jest.fn<(loss: LockLostError) => void>();
    tenure.lose('forced', tell);
    tenure.lose('taken-over', tell);
    clock.freeze(TTL);
    expect(tenure.loss).toMatchObject({ reason: 'forced' });
    expect(tell).toHaveBeenCalledTimes(1);
  });

  it('carries its own token in its loss, not the first one of its lease', () => {
    const next = new Tenure(tenure.lease, 8, 0, clock);
    next.lose('forced', () => undefined);
    expect(next.loss).toMatchObject({ fencingToken: 8 });
  });

  describe('after its release', () => {
    it('is quiet for good, also past its ttl', () => {
      const { signal } = tenure;
      expect(tenure.markReleased()).toBe(true);
      expect(tenure.markReleased()).toBe(false);
      tenure.lease.lose('taken-over'); // a renewal that was under way
      clock.freeze(TTL * 2);
      expect([tenure.isHeld, tenure.isReleased, tenure.remainingMs]).toEqual([false, true, 0]);
      expect([signal.aborted, tenure.signal.aborted]).toEqual([false, false]);
      expect(tenure.loss).toBeUndefined();
      expect(() => tenure.assertHeld()).toThrow(LockReleasedError);
    });

    it('is not held by who had it before, although its lease goes on', () => {
      tenure.markReleased();
      const next = new Tenure(tenure.lease, 8, 0, clock);
      expect([tenure.isHeld, next.isHeld]).toEqual([false, true]);
    });

    it('was not released if it was lost before', () => {
      clock.freeze(TTL);
      expect(tenure.markReleased()).toBe(false);
      expect(tenure.isReleased).toBe(false);
      expect(tenure.loss).toBeDefined();
    });
  });
});
