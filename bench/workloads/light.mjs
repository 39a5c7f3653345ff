import { recordVisits } from '../support/callers.mjs';
import { percentile, sum } from '../support/statistics.mjs';
import { begunWithin, countOverlaps, gatherVisits } from '../support/visits.mjs';

/** One pair meets too seldom for a p99; pairs of different names hardly touch each other. */
const PAIRS = 8;

/** Those who asked while the other was inside, as both sides' clocks tell. */
const whoHadToWait = (visits, all) =>
  visits.filter(({ name, caller, asked }) =>
    all.some(
      (other) =>
        other.name === name &&
        other.caller !== caller &&
        other.start <= asked &&
        asked < (other.end ?? Infinity),
    ),
  );

const waits = (visits) => visits.map(({ asked, start }) => start - asked);

export default {
  name: 'light',
  title: `two callers in two processes (${PAIRS} such pairs), each now and then: 2 ms inside, 5 to 40 ms away`,
  processes: 2,
  work: (context) =>
    recordVisits(
      context,
      Array.from({ length: PAIRS }, (_, pair) => ({
        name: `light:${pair}`,
        caller: pair,
        insideMs: () => 2,
        awayMs: () => 5 + Math.random() * 35,
      })),
    ),
  summarize({ reports, window }) {
    const visits = gatherVisits(reports, window);
    const taken = begunWithin(visits, window);
    return {
      waited: waits(whoHadToWait(taken, visits)),
      all: waits(taken),
      overlaps: [countOverlaps(visits)],
    };
  },
  columns: [
    { head: 'had to wait', value: ({ waited }) => waited.length },
    { head: 'their p50, ms', value: ({ waited }) => percentile(waited, 0.5), digits: 1 },
    { head: 'their p99, ms', value: ({ waited }) => percentile(waited, 0.99), digits: 1 },
    { head: 'all p50, ms', value: ({ all }) => percentile(all, 0.5), digits: 1 },
    { head: 'all p99, ms', value: ({ all }) => percentile(all, 0.99), digits: 1 },
    { head: 'overlaps', value: ({ overlaps }) => sum(overlaps) },
  ],
  targets: [
    {
      text: 'wait p99 of those who had to, ms',
      measure: ({ ours }) => percentile(ours.waited, 0.99),
      atMost: 6,
    },
  ],
};
