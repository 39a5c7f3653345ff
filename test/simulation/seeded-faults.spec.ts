import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import type { Redis } from 'ioredis';
import { RedisServer } from '../support/redis-server.js';
import { SEEDED_FAULTS } from './faults.js';
import { schedules } from './schedule.js';
import { World } from './world.js';

const MOST_RUNS = 300;

jest.setTimeout(120_000);

/** Each rule of the protocol has a short counterexample without it: the simulation has to find that. */
describe('The simulation finds that', () => {
  let server: RedisServer;
  let redis: Redis;

  beforeAll(async () => {
    server = await RedisServer.start();
    redis = server.client();
  });

  afterAll(() => server?.stop());

  it.each(SEEDED_FAULTS)('$what', async ({ plant, sources, wrapStore, ...options }) => {
    const uproot = plant?.();
    try {
      const { isCalm } = options;
      const property = fc.asyncProperty(schedules(options), (schedule) =>
        new World(schedule, { redis, isCalm, sources, wrapStore }).run(),
      );
      const found = await fc.check(property, { numRuns: MOST_RUNS, seed: 1, endOnFailure: true });
      expect(found.failed).toBe(true);
      if (process.env['SIMULATION_TELLS']) {
        console.log(
          `run ${found.numRuns}: ${String((found.errorInstance as Error).message).split('\n')[0]}`,
        );
      }
    } finally {
      uproot?.();
    }
  });
});
