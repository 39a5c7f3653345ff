import { describe, expect, it, jest } from '@jest/globals';
import { checkSchedules } from './check-schedules.js';
import type { ScheduleOptions } from './schedule.js';

const RUNS = Number(process.env['SIMULATION_RUNS'] ?? 240);
const SEED = Number(process.env['SIMULATION_SEED'] ?? 1);

const ONCE = { once: 16, take: 2, down: 4, crash: 2 };

// A failure is made small first, which takes longer than to find it.
jest.setTimeout(300_000 + RUNS * 100);

describe('Random schedules of callers, processes, nodes and their troubles', () => {
  it.each<Pick<ScheduleOptions, 'clocks' | 'weights'> & { title: string; runs: number }>([
    { title: 'while clocks are steady', clocks: 'steady', runs: RUNS / 2 },
    { title: 'while clocks are moved and leases get lost', clocks: 'stepped', runs: RUNS / 2 },
    { title: 'about what is done once', clocks: 'steady', runs: RUNS / 8, weights: ONCE },
    { title: 'about it while clocks are moved', clocks: 'stepped', runs: RUNS / 8, weights: ONCE },
  ])('keep the contract of a quorum $title', async ({ clocks, runs, weights }) => {
    const start = performance.now();
    const report = await checkSchedules({ clocks, runs: Math.ceil(runs), seed: SEED, weights });
    if (process.env['SIMULATION_TELLS']) {
      const perSecond = (report.runs / (performance.now() - start)) * 1_000;
      console.log(
        `${report.runs} schedules, ${perSecond.toFixed(0)} a second, ${report.explained} explained`,
      );
    }
    if (report.failure) throw new Error(report.failure); // a history reads better than what `expect` makes of it
    expect(report.runs).toBe(Math.ceil(runs));
  });
});
