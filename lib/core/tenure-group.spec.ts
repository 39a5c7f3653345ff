import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { tenureOf } from '../../test/support/tenures.js';
import { LockLostError, LockReleasedError } from '../lock.errors.js';
import { ManualClock } from '../testing/manual.clock.js';
import { driftOf } from './clock.js';

import { TenureGroup } from './tenure-group.js';
import type { Tenure } from './tenure.js';

describe('TenureGroup', () => {
  let clock: ManualClock;
  let [a, b]: Tenure[] = [];
  let group: TenureGroup;
  beforeEach(() => {
    clock = new ManualClock();
    a = tenureOf(clock, { name: 'a', fencingToken: 1 }, { ttlMs: 10_000 });
    b = tenureOf(clock, { name: 'b', fencingToken: 2 }, { ttlMs: 1_000 });
    group = new TenureGroup([a, b]);
  });

  it('has the names of all, and lasts as long as the one that ends first', () => {
    expect(group.name).toBe('a, b');
    expect(group.isHeld).toBe(true);
    expect(group.remainingMs).toBe(1_000 - driftOf(1_000));
    expect(() => group.assertHeld()).not.toThrow();
  });

  it('loses all with one', () => {
    b!.lease.lose('forced');
    expect([group.isHeld, group.isReleased, group.remainingMs]).toEqual([false, false, 0]);
    expect(group.loss).toMatchObject({ lockName: 'b', fencingToken: 2, reason: 'forced' });
    expect(() => group.assertHeld()).toThrow(group.loss);
  });

  it('has one signal, which aborts once, with the first loss', () => {
    const aborted = jest.fn();
    const { signal } = group;
    signal.addEventListener('abort', aborted);
    expect(signal.aborted).toBe(false);
    a!.lease.lose('taken-over');
    b!.lease.lose('forced');
    expect(group.signal).toBe(signal);
    expect(signal.reason).toBe(a!.loss);
    expect(aborted).toHaveBeenCalledTimes(1);
  });

  it('gives a signal that has aborted already to who asks after the loss', () => {
    b!.lease.lose('taken-over');
    expect(group.signal.reason).toBe(b!.loss);
  });

  it('aborts its signal when that is asked for after a deadline, before any timer has run', () => {
    expect(group.signal.aborted).toBe(false);
    clock.freeze(1_000);
    expect(group.signal.aborted).toBe(true);
    expect(group.signal.reason).toBeInstanceOf(LockLostError);
  });

  it('is released with the last of them, and quiet from then on', () => {
    const { signal } = group;
    a!.markReleased();
    expect([group.isHeld, group.isReleased]).toEqual([false, false]);
    b!.markReleased();
    expect([group.isHeld, group.isReleased]).toEqual([false, true]);
    clock.freeze(20_000);
    expect([signal.aborted, group.signal.aborted]).toEqual([false, false]);
    expect(group.loss).toBeUndefined();
    expect(() => group.assertHeld()).toThrow(LockReleasedError);
  });
});
