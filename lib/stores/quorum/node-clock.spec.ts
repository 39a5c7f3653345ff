import { beforeEach, describe, expect, it } from '@jest/globals';
import { NodeClock } from './node-clock.js';

/** The node's time when this process's clock shows 0, in ms. */
const OFFSET = 1_000_000;

describe('NodeClock', () => {
  let clock: NodeClock;
  beforeEach(() => {
    clock = new NodeClock();
  });

  /** An answer that was made at `at` by this process's clock. */
  const observe = (sentAt: number, at: number, receivedAt: number, offset = OFFSET): number =>
    clock.observe(sentAt, receivedAt, (at + offset) * 1_000);

  it('knows nothing before the first answer', () => {
    expect(clock.isKnown).toBe(false);
    expect(clock.mostAhead).toBe(Infinity);
  });

  it('knows the time as well as the quickest answer tells it', () => {
    observe(0, 80, 100);
    expect(clock.timeAt(100)).toBeGreaterThanOrEqual(OFFSET + 50);
    observe(100, 101, 102);
    expect(Math.abs(clock.timeAt(102) - (OFFSET + 102))).toBeLessThan(2);
    expect(clock.mostAhead).toBeGreaterThanOrEqual(OFFSET);
    observe(110, 190, 210);
    expect(Math.abs(clock.timeAt(210) - (OFFSET + 210))).toBeLessThan(5);
  });

  it.each([5_000, 100, -100, -5_000])('sees a jump of %d ms, once', (by) => {
    observe(0, 1, 2);
    const seen = observe(100, 101, 102, OFFSET + by);
    expect(Math.sign(seen)).toBe(Math.sign(by));
    expect(Math.abs(seen)).toBeGreaterThan(Math.abs(by) - 10);
    expect(Math.abs(seen)).toBeLessThanOrEqual(Math.abs(by));
    expect(observe(200, 201, 202, OFFSET + by)).toBe(0);
    expect(Math.abs(clock.timeAt(202) - (OFFSET + by + 202))).toBeLessThan(5);
  });

  it('sees none in an answer that took long', () => {
    observe(0, 1, 2);
    expect(observe(100, 150, 10_000)).toBe(0);
    expect(observe(10_000, 19_000, 20_000)).toBe(0);
  });

  it('sees none where clocks drift as far as a lease allows for', () => {
    let offset = OFFSET;
    for (let at = 0; at < 600_000; at += 1_000) {
      offset += 9;
      expect(observe(at, at + 1, at + 2, offset)).toBe(0);
    }
    expect(Math.abs(clock.timeAt(600_000) - (offset + 600_000))).toBeLessThan(20);
  });

  it('sees none in answers that come in another order than they were made', () => {
    observe(0, 1, 2);
    expect(observe(100, 190, 200)).toBe(0);
    expect(observe(90, 95, 210)).toBe(0);
  });
});
