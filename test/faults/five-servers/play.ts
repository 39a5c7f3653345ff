import type { Scenario } from './scenarios.js';
import { type Mode, type Outcome, Stage } from './stage.js';
import { WorkerPool } from './worker-pool.js';

export interface Play {
  readonly scenario: Scenario;
  readonly mode: Mode;
}

export interface Played extends Play {
  /** Why it came to no end. */
  readonly failure?: unknown;
  readonly outcome?: Outcome;
}

/** A machine that is busy may be too late for what happens in a moment. */
const MOST_TRIES = 3;

/** What is played side by side, with and without protections: with them it takes longer. */
const LANES = [true, true, false];

/** Plays all, several at a time. */
export async function playAll(
  plays: readonly Play[],
  onPlayed: (played: Played) => void = () => undefined,
): Promise<void> {
  const waiting = [...plays];
  const next = (isProtected: boolean): Play | undefined => {
    const index = waiting.findIndex(({ mode }) => mode.isProtected === isProtected);
    return index < 0 ? undefined : waiting.splice(index, 1)[0];
  };
  const lanes = LANES.map(async (isProtected) => {
    const pool = new WorkerPool();
    for (let play; (play = next(isProtected));) {
      for (let tries = 1; tries <= MOST_TRIES; tries++) {
        const played = { ...play, ...(await attempt(play, pool)) };
        onPlayed(played);
        if (!hasMissed(played)) break;
      }
    }
  });
  await Promise.all(lanes);
}

/** Two were to hold at the same time, and did not. */
const hasMissed = ({ scenario: { coexist }, mode, outcome }: Played): boolean =>
  (mode.isProtected ? coexist.on : coexist.off) === true &&
  outcome?.journal.coexistences.length === 0;

async function attempt({ scenario, mode }: Play, pool: WorkerPool) {
  const stage = await Stage.open(mode, pool);
  try {
    await scenario.run(stage);
    return { outcome: await stage.finish() };
  } catch (failure) {
    return { failure };
  } finally {
    await stage.close();
  }
}
