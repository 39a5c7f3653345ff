import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { ManualClock } from '../testing/manual.clock.js';
import { Alarm } from './alarm.js';
import type { Clock } from './clock.js';

describe('Alarm', () => {
  let clock: ManualClock;
  let rung: number[];
  let alarm: Alarm;
  beforeEach(() => {
    clock = new ManualClock();
    rung = [];
    alarm = new Alarm(clock, () => rung.push(clock.now()));
  });

  it('rings once, at the earliest of the times that it was told', async () => {
    for (const time of [300, 100, 200]) alarm.by(time);
    await clock.advance(1_000);
    expect(rung).toEqual([100]);
  });

  it('can be set again when it has rung, also by what it rings for', async () => {
    const again = new Alarm(clock, () => {
      rung.push(clock.now());
      if (rung.length < 3) again.by(clock.now() + 100);
    });
    again.by(100);
    await clock.advance(1_000);
    expect(rung).toEqual([100, 200, 300]);
  });

  it('rings at once for what is overdue', async () => {
    clock.freeze(500);
    alarm.by(100);
    await clock.advance(0);
    expect(rung).toEqual([500]);
  });

  it('never rings for what is never due, nor once it is cleared', async () => {
    alarm.by(Infinity);
    alarm.by(100);
    alarm.clear();
    alarm.clear();
    await clock.advance(1_000);
    expect(rung).toEqual([]);
    alarm.by(1_500);
    await clock.advance(1_000);
    expect(rung).toEqual([1_500]);
  });

  it.each([true, false])('keeps the process up only if it is to (%p)', (keepsAlive) => {
    const setTimer = jest.spyOn(clock as Clock, 'setTimer');
    new Alarm(clock, () => undefined, keepsAlive).by(100);
    expect(setTimer).toHaveBeenCalledWith(expect.any(Function), 100, keepsAlive);
  });
});
