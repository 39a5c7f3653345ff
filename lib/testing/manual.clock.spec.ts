import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { LockOptionsError } from '../lock.errors.js';
import { ManualClock } from './manual.clock.js';

describe('ManualClock', () => {
  let clock: ManualClock;
  beforeEach(() => {
    clock = new ManualClock();
  });

  it('stands still by itself', async () => {
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(clock.now()).toBe(0);
  });

  it('fires what is due, each at its own moment, in order', async () => {
    const fired: [string, number][] = [];
    const note = (what: string) => () => fired.push([what, clock.now()]);
    clock.setTimer(note('third'), 300);
    clock.setTimer(note('first'), 100);
    clock.setTimer(note('second'), 200);
    clock.setTimer(note('also third'), 300);
    clock.setTimer(note('not yet'), 301);
    await clock.advance(300);
    expect(fired).toEqual([
      ['first', 100],
      ['second', 200],
      ['third', 300],
      ['also third', 300],
    ]);
    expect(clock.now()).toBe(300);
  });

  it('lets what a timer starts settle before the next one fires', async () => {
    const order: string[] = [];
    clock.setTimer(() => {
      void Promise.resolve()
        .then(() => Promise.resolve())
        .then(() => order.push('started by the first'));
    }, 1);
    clock.setTimer(() => order.push('second'), 2);
    await clock.advance(2);
    expect(order).toEqual(['started by the first', 'second']);
  });

  it('fires timers that are set on the way', async () => {
    const times: number[] = [];
    const again = () => {
      times.push(clock.now());
      clock.setTimer(again, 40);
    };
    clock.setTimer(again, 40);
    await clock.advance(100);
    expect(times).toEqual([40, 80]);
  });

  it('does not fire what was cleared, even by another timer of the same moment', async () => {
    const callback = jest.fn();
    const other = { clear: (): void => undefined };
    clock.setTimer(() => other.clear(), 10);
    Object.assign(other, clock.setTimer(callback, 10));
    clock.setTimer(callback, 5).clear();
    await clock.advance(10);
    expect(callback).not.toHaveBeenCalled();
  });

  it('bears long delays, and fires overdue ones', async () => {
    const callback = jest.fn();
    clock.setTimer(callback, 2 ** 40);
    clock.setTimer(callback, -1);
    await clock.advance(0);
    expect(callback).toHaveBeenCalledTimes(1);
    await clock.advance(2 ** 40);
    expect(callback).toHaveBeenCalledTimes(2);
    const never = jest.fn();
    clock.setTimer(never, Infinity);
    await clock.advance('1 year');
    expect(never).not.toHaveBeenCalled();
  });

  it('freezes: time jumps, and timers fire only with the next advance', async () => {
    const fired: number[] = [];
    clock.setTimer(() => fired.push(clock.now()), 10);
    clock.freeze('1 minute');
    expect(clock.now()).toBe(60_000);
    await new Promise((resolve) => setImmediate(resolve));
    expect(fired).toEqual([]);
    await clock.advance(0);
    expect(fired).toEqual([60_000]);
  });

  it('never goes back, also when it is moved from two sides', async () => {
    clock.setTimer(() => clock.freeze('1 hour'), 5);
    await clock.advance(10);
    expect(clock.now()).toBe(3_600_005);
    await Promise.all([clock.advance(100), clock.advance(10)]);
    expect(clock.now()).toBe(3_600_105);
  });

  it.each([-1, NaN, Infinity, 'soon', undefined])('refuses %p as a duration', async (duration) => {
    await expect(clock.advance(duration as number)).rejects.toThrow(LockOptionsError);
    expect(() => clock.freeze(duration as number)).toThrow(LockOptionsError);
  });

  it('works under fake timers', async () => {
    jest.useFakeTimers();
    try {
      const callback = jest.fn();
      clock.setTimer(callback, 10);
      await clock.advance(10);
      expect(callback).toHaveBeenCalled();
    } finally {
      jest.useRealTimers();
    }
  });
});
