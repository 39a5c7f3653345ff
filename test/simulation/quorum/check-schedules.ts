import fc from 'fast-check';
import { type Schedule, type ScheduleOptions, schedules } from './schedule.js';
import { World, type WorldOptions } from './world.js';

export interface CheckOptions extends ScheduleOptions, WorldOptions {
  readonly runs: number;
  readonly seed: number;
  /** Tells the first failure as it is, and does not make it small. */
  readonly isHasty?: boolean;
}

export interface CheckReport {
  /** The smallest that was found. */
  readonly schedule: Schedule | undefined;
  /** What is wrong in the smallest schedule that was found, and all that happens in it. */
  readonly failure: string | undefined;
  readonly runs: number;
  /** How often two held one name where that could not be prevented. */
  readonly explained: number;
}

/** Runs random schedules until one violates what must be true of all. */
export async function checkSchedules(options: CheckOptions): Promise<CheckReport> {
  const { runs, seed, isHasty = false, faults, wrapPort } = options;
  let explained = 0;
  const run = async (schedule: Schedule, isTraced: boolean): Promise<void> => {
    const world = new World(schedule, { faults, wrapPort, isTraced });
    await world.run();
    explained += world.invariants.explained;
  };
  const property = fc.asyncProperty(schedules(options), (schedule) => run(schedule, false));
  const report = await fc.check(property, { numRuns: runs, seed, endOnFailure: isHasty });
  const [schedule] = report.counterexample ?? [];
  const { numRuns } = report;
  if (!schedule) return { failure: undefined, schedule, runs: numRuns, explained };
  const history = await run(schedule, true).then(
    () => `not found again: ${String(report.errorInstance)}`,
    (error: Error) => error.message,
  );
  const where = `seed ${seed}, run ${numRuns}, path ${report.counterexamplePath}`;
  const { steps: _, ...world } = schedule;
  return {
    schedule,
    failure: `${where}\n${JSON.stringify(world)}\n${history}`,
    runs: numRuns,
    explained,
  };
}
