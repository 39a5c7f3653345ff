import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import type { Redis } from 'ioredis';
import { RedisServer } from '../support/redis-server.js';
import { KINDS, schedules } from './schedule.js';
import { World } from './world.js';

const RUNS = Number(process.env['SIMULATION_RUNS'] ?? 10);
const SEED = Number(process.env['SIMULATION_SEED'] ?? 1);

// A failure is made small first, which takes longer than to find it.
jest.setTimeout(300_000 + RUNS * 1_000);

describe('Random schedules of callers, processes and their troubles', () => {
  let server: RedisServer;
  let redis: Redis;

  beforeAll(async () => {
    server = await RedisServer.start();
    redis = server.client();
  });

  afterAll(() => server?.stop());

  describe.each(KINDS)('%s', (kind) => {
    it.each([
      { title: 'without troubles', isCalm: true, runs: RUNS / 4 },
      { title: 'with troubles', runs: RUNS },
      { title: 'with troubles and FLUSHALL', flushes: true, runs: RUNS / 4 },
    ])('keep the contract $title', async ({ runs, isCalm, flushes }) => {
      const property = fc.asyncProperty(schedules({ kind, isCalm, flushes }), (schedule) =>
        new World(schedule, { redis, isCalm }).run(),
      );
      const report = await fc.check(property, { numRuns: Math.ceil(runs), seed: SEED });
      // The message tells the smallest schedule, and all that happens in it.
      const { errorInstance, seed, counterexamplePath } = report;
      const found =
        errorInstance && `${seed}, ${counterexamplePath}: ${(errorInstance as Error).message}`;
      expect(found ?? undefined).toBeUndefined();
    });
  });
});
