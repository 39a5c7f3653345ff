import { beforeEach, describe, expect, it } from '@jest/globals';
import { watch } from '../../test/support/lock-service.js';
import { ManualClock } from '../testing/manual.clock.js';
import { Pauses } from './pauses.js';

describe('Pauses', () => {
  let clock: ManualClock;
  let pauses: Pauses;
  beforeEach(() => {
    clock = new ManualClock();
    pauses = new Pauses(clock);
  });

  it('last for their time, each its own', async () => {
    const [short, long] = [watch(pauses.pause(100)), watch(pauses.pause(200))];
    await clock.advance(99);
    expect([short.settled, long.settled]).toEqual([false, false]);
    await clock.advance(1);
    expect([short.settled, long.settled]).toEqual([true, false]);
    await clock.advance(100);
    expect(long).toMatchObject({ settled: true, error: undefined });
  });

  it('end all at once, and from then on as they begin', async () => {
    const all = [watch(pauses.pause(100)), watch(pauses.pause(200))];
    pauses.end();
    all.push(watch(pauses.pause(300)));
    await clock.advance(0);
    expect(all.map(({ settled }) => settled)).toEqual([true, true, true]);
    expect(clock['scheduled'].size).toBe(0);
    pauses.end();
  });

  it('end with a signal of their own, and leave nothing behind', async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const [mine, other] = [watch(pauses.pause(100, { signal })), watch(pauses.pause(100))];
    controller.abort();
    await clock.advance(0);
    expect([mine.settled, other.settled]).toEqual([true, false]);
    expect(clock['scheduled'].size).toBe(1);
    expect(pauses['wakers'].size).toBe(1);
  });

  it('do not begin with a signal that is aborted', async () => {
    const pause = watch(pauses.pause(100, { signal: AbortSignal.abort() }));
    await clock.advance(0);
    expect(pause.settled).toBe(true);
  });

  it('leave no listener on a signal when their time is over', async () => {
    const { signal } = new AbortController();
    const listeners = new Set<unknown>();
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = (type: string, listener: never) => {
      listeners.add(listener);
      add(type, listener);
    };
    signal.removeEventListener = (type: string, listener: never) => {
      listeners.delete(listener);
      remove(type, listener);
    };
    const pause = pauses.pause(100, { signal });
    expect(listeners.size).toBe(1);
    await clock.advance(100);
    await pause;
    expect(listeners.size).toBe(0);
  });

  it.each([true, false, undefined])(
    'tell the clock whether the process is to stay up for them: %p',
    (isWaitedFor) => {
      const told: unknown[] = [];
      const setTimer = (_callback: () => void, ms: number, stays?: boolean) => {
        told.push([ms, stays]);
        return { clear: () => undefined };
      };
      const pausing = new Pauses({ now: () => 0, setTimer });
      void pausing.pause(7, isWaitedFor === undefined ? {} : { isWaitedFor });
      expect(told).toEqual([[7, isWaitedFor ?? false]]);
    },
  );
});
