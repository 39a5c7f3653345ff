import { describe, expect, it } from '@jest/globals';
import { checkSchedules } from './check-schedules.js';
import { type ScheduleOptions, SHORT_TTL_MS, type Step } from './schedule.js';

const LINK = { type: 'link', process: undefined, ms: 0, isHarsh: false } as const;

const cut = (node: number, forMs: number): Step => ({ ...LINK, node, what: 'cut', forMs });
const once = (process: number): Step => ({
  type: 'once',
  process,
  name: 'hold:1',
  waitMs: 0,
  holdMs: 40,
  isFailing: false,
});
const take = (process: number, holdMs: number): Step => ({
  type: 'take',
  process,
  name: 'a',
  waitMs: 0,
  ttl: 1,
  renews: true,
  holdMs,
});

/** Nothing happens besides what is named. */
const ALONE = {
  clocks: 'steady',
  nodes: 3,
  maxTtlMs: SHORT_TTL_MS,
  weights: { down: 0, flush: 0, stop: 0, crash: 0, freeze: 0, link: 0, take: 1, cancel: 0 },
} as const satisfies ScheduleOptions;

const blinks = Array.from({ length: 40 }, (): readonly [number, Step] => [
  25,
  { ...LINK, node: 2, what: 'reset', forMs: 1 },
]);

describe('A quorum keeps its contract where', () => {
  it('a connection blinks while a node that has forgotten learns what is done', async () => {
    const report = await checkSchedules({
      ...ALONE,
      runs: 10,
      seed: 3,
      isHasty: true,
      opening: [
        [0, cut(1, 1_200)],
        [2, once(0)],
        [100, { type: 'crash', process: 0 }],
        [2, { type: 'down', nodes: [0], forMs: 0, keeps: 'nothing', isNoticed: true }],
        [800, { ...LINK, node: 1, what: 'slow', ms: 15, forMs: 2_000 }],
        ...blinks,
        [300, cut(2, 3_000)],
        [5, once(1)],
        [100, once(0)],
      ],
    });
    expect(report.failure).toBeUndefined();
  });

  it.each([[[0, 1]], [[0]]])('the clocks of %j are set forward, of three', async (nodes) => {
    const report = await checkSchedules({
      ...ALONE,
      runs: 12,
      seed: 3,
      isHasty: true,
      opening: [
        [0, take(1, 0)],
        [20, take(0, 1_500)],
        [30, { type: 'clock', nodes, byMs: 3_000, forMs: Infinity }],
        [1, take(1, 900)],
        [20, take(1, 900)],
        [20, take(1, 900)],
        [20, take(1, 900)],
      ],
    });
    expect(report).toMatchObject({ failure: undefined, explained: 0 });
  });

  it('a node has forgotten unseen while the clocks of the others are not believed', async () => {
    const report = await checkSchedules({
      ...ALONE,
      runs: 10,
      seed: 3,
      isHasty: true,
      opening: [
        [0, { type: 'clock', nodes: [0], byMs: -100_000, forMs: Infinity }],
        [0, { type: 'clock', nodes: [2], byMs: -100_000, forMs: Infinity }],
        [20, { type: 'flush', nodes: [1] }],
      ],
    });
    expect(report.failure).toBeUndefined();
  });
});
