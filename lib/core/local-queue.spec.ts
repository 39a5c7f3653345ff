import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { LocalQueue } from './local-queue.js';

describe('LocalQueue', () => {
  let queue: LocalQueue;
  beforeEach(() => {
    queue = new LocalQueue();
  });

  it('has one first caller for each name, in the order they came', () => {
    const [a, b, c] = [queue.enter('x'), queue.enter('x'), queue.enter('y')];
    expect([a.isFirst, b.isFirst, c.isFirst]).toEqual([true, false, true]);
    a.leave();
    expect([a.isFirst, b.isFirst]).toEqual([false, true]);
  });

  it('knows whether a name is waited for, and keeps nothing of one that is not', () => {
    const a = queue.enter('x');
    expect([queue.isWaitedFor('x'), queue.isWaitedFor('y')]).toEqual([true, false]);
    a.leave();
    expect(queue.isWaitedFor('x')).toBe(false);
  });

  it('wakes the next caller when the first one leaves, and only then', () => {
    const [a, b, c] = [queue.enter('x'), queue.enter('x'), queue.enter('x')];
    const [wakeB, wakeC] = [jest.fn(), jest.fn()];
    b.onWake(wakeB);
    c.onWake(wakeC);
    a.leave();
    expect(wakeB).toHaveBeenCalledTimes(1);
    expect(wakeC).not.toHaveBeenCalled();
  });

  it('lets one in the middle go without waking anybody', () => {
    const [a, b, c] = [queue.enter('x'), queue.enter('x'), queue.enter('x')];
    const wake = jest.fn();
    a.onWake(wake);
    c.onWake(wake);
    b.leave();
    expect(wake).not.toHaveBeenCalled();
    a.leave();
    expect(c.isFirst).toBe(true);
  });

  it('wakes the first caller when the name may be free', () => {
    const [a, b] = [queue.enter('x'), queue.enter('x')];
    const [wakeA, wakeB] = [jest.fn(), jest.fn()];
    a.onWake(wakeA);
    b.onWake(wakeB);
    queue.wake('x');
    queue.wake('nobody waits for this');
    expect(wakeA).toHaveBeenCalledTimes(1);
    expect(wakeB).not.toHaveBeenCalled();
  });

  it('keeps a wake for a caller that is asking just then, once', () => {
    const a = queue.enter('x');
    a.onWake(undefined);
    queue.wake('x');
    const [first, second] = [jest.fn(), jest.fn()];
    a.onWake(first);
    expect(first).toHaveBeenCalledTimes(1);
    a.onWake(undefined);
    a.onWake(second);
    expect(second).not.toHaveBeenCalled();
  });

  it('bears a caller that leaves twice, and one that comes when all have left', () => {
    const a = queue.enter('x');
    const b = queue.enter('x');
    a.leave();
    a.leave();
    expect(b.isFirst).toBe(true);
    b.leave();
    const c = queue.enter('x');
    b.leave();
    expect(c.isFirst).toBe(true);
    expect(queue.isWaitedFor('x')).toBe(true);
  });
});
