import { recordVisits } from '../support/callers.mjs';
import { percentile, sum } from '../support/statistics.mjs';
import {
  begunWithin,
  commandsEach,
  countOverlaps,
  gatherVisits,
  perSecond,
  waitsOf,
} from '../support/visits.mjs';

export default {
  name: 'contended-away',
  title: '4 processes of 4 callers on one name, 1 ms inside, then 5 ms away',
  processes: 4,
  work: (context) =>
    recordVisits(
      context,
      Array.from({ length: 4 }, (_, caller) => ({
        name: 'away',
        caller,
        insideMs: () => 1,
        awayMs: () => 5,
      })),
    ),
  summarize({ reports, window }) {
    const visits = gatherVisits(reports, window);
    const taken = begunWithin(visits, window).length;
    const { ended } = waitsOf(visits, window);
    return {
      perSecond: perSecond(taken, window),
      waits: ended,
      commands: commandsEach(reports, taken),
      overlaps: [countOverlaps(visits)],
    };
  },
  columns: [
    { head: 'acquisitions/s', value: ({ perSecond: value }) => value },
    { head: 'wait p50, ms', value: ({ waits }) => percentile(waits, 0.5), digits: 1 },
    { head: 'wait p99, ms', value: ({ waits }) => percentile(waits, 0.99), digits: 1 },
    { head: 'commands each', value: ({ commands }) => commands, digits: 2 },
    { head: 'overlaps', value: ({ overlaps }) => sum(overlaps) },
  ],
  targets: [
    {
      text: 'acquisitions/s against the best other',
      measure: (standing) => standing.ratioToBest('perSecond'),
      atLeast: 1.5,
    },
    { text: 'wait p99, ms', measure: ({ ours }) => percentile(ours.waits, 0.99), atMost: 40 },
    { text: 'commands each', measure: ({ ours }) => ours.commands, atMost: 0.7 },
  ],
};
