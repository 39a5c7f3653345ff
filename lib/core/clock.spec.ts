import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { systemClock } from './clock.js';

afterEach(() => {
  jest.useRealTimers();
  jest.restoreAllMocks();
});

describe('systemClock', () => {
  it('never goes back, whatever the wall clock does', () => {
    jest.spyOn(Date, 'now').mockReturnValue(0);
    const before = systemClock.now();
    expect(systemClock.now()).toBeGreaterThanOrEqual(before);
    expect(before).toBeGreaterThan(0);
  });

  it('calls back once, when the time has come', () => {
    jest.useFakeTimers();
    const callback = jest.fn();
    systemClock.setTimer(callback, 100);
    jest.advanceTimersByTime(99);
    expect(callback).not.toHaveBeenCalled();
    jest.advanceTimersByTime(1_000);
    expect(callback).toHaveBeenCalledTimes(1);
  });

  it.each([2 ** 31, 2 ** 31 + 1_000, 2 ** 33 + 7])(
    'calls back after %d ms, although timers of Node overflow',
    (delay) => {
      jest.useFakeTimers();
      const callback = jest.fn();
      systemClock.setTimer(callback, delay);
      jest.advanceTimersByTime(delay - 1);
      expect(callback).not.toHaveBeenCalled();
      jest.advanceTimersByTime(1);
      expect(callback).toHaveBeenCalledTimes(1);
    },
  );

  it.each([50, 2 ** 33])(
    'does not call back once cleared, nor mind a second clear (%d)',
    (delay) => {
      jest.useFakeTimers();
      const callback = jest.fn();
      const timer = systemClock.setTimer(callback, delay);
      jest.advanceTimersByTime(delay - 10);
      timer.clear();
      timer.clear();
      jest.advanceTimersByTime(delay);
      expect(callback).not.toHaveBeenCalled();
      expect(jest.getTimerCount()).toBe(0);
    },
  );

  it('calls back soon for a time that has passed', () => {
    jest.useFakeTimers();
    const callback = jest.fn();
    systemClock.setTimer(callback, -5);
    jest.advanceTimersByTime(1);
    expect(callback).toHaveBeenCalledTimes(1);
  });

  it('does not keep the process alive', () => {
    const set = jest.spyOn(globalThis, 'setTimeout');
    const timer = systemClock.setTimer(() => undefined, 60_000);
    expect(set.mock.results).toHaveLength(1);
    expect((set.mock.results[0]!.value as NodeJS.Timeout).hasRef()).toBe(false);
    timer.clear();
  });
});
