import { describe, expect, it, jest } from '@jest/globals';
import { checkSchedules } from './check-schedules.js';
import { SEEDED_FAULTS } from './faults.js';
import { World } from './world.js';

const MOST_RUNS = 2_000;

jest.setTimeout(300_000);

/** Each rule of the protocol has a short counterexample without it: the simulation has to find that. */
describe('The simulation of a quorum finds that', () => {
  it.each(SEEDED_FAULTS)('$what', async ({ what, plant, seed = 1, ...options }) => {
    const uproot = plant?.();
    try {
      const found = await checkSchedules({ ...options, runs: MOST_RUNS, seed, isHasty: true });
      if (process.env['SIMULATION_TELLS']) console.log(`${what}: run ${found.runs}`, found.failure);
      expect(found.failure).toBeDefined();
      // It is the fault that they show.
      uproot?.();
      await new World(found.schedule!).run();
    } finally {
      uproot?.();
    }
  });
});
