import { recordVisits } from '../support/callers.mjs';
import { largest, sum } from '../support/statistics.mjs';
import {
  begunWithin,
  commandsEach,
  countOverlaps,
  gatherVisits,
  perSecond,
} from '../support/visits.mjs';

const PROCESSES = 4;
const COUNTS = [1, 10, 100, 1_000];

/** Of so many waiters, those of one process. */
const shareOf = (waiters, index) => Math.max(0, Math.ceil((waiters - index) / PROCESSES));

export default {
  name: 'many-waiters',
  title: 'many callers on one name, over 4 processes, 0 or 1 ms inside, asking again at once',
  processes: PROCESSES,
  repetitions: 1,
  cells: COUNTS.map((waiters) => ({ waiters })),
  timesOf: ({ isQuick }) => ({ warmUpMs: 300, windowMs: isQuick ? 500 : 1_000 }),
  work: (context) =>
    recordVisits(
      context,
      Array.from({ length: shareOf(context.cell.waiters, context.index) }, (_, caller) => ({
        name: 'many',
        caller,
        insideMs: () => Math.round(Math.random()),
        awayMs: () => 0,
      })),
    ),
  summarize({ reports, window, cell: { waiters } }) {
    const visits = gatherVisits(reports, window);
    const taken = begunWithin(visits, window).length;
    return {
      [`commands${waiters}`]: commandsEach(reports, taken),
      [`perSecond${waiters}`]: perSecond(taken, window),
      overlaps: [countOverlaps(visits)],
    };
  },
  columns: [
    ...COUNTS.map((waiters) => ({
      head: `commands each, ${waiters}`,
      value: (metrics) => metrics[`commands${waiters}`],
      digits: 2,
    })),
    ...COUNTS.map((waiters) => ({
      head: `acquisitions/s, ${waiters}`,
      value: (metrics) => metrics[`perSecond${waiters}`],
    })),
    { head: 'overlaps', value: ({ overlaps }) => sum(overlaps) },
  ],
  targets: [
    {
      text: 'commands each, the most of all',
      measure: ({ ours }) => largest(COUNTS.map((waiters) => ours[`commands${waiters}`])),
      atMost: 2,
    },
  ],
};
