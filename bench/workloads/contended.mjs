import { recordVisits } from '../support/callers.mjs';
import { largest, sum } from '../support/statistics.mjs';
import {
  begunWithin,
  commandsEach,
  countOverlaps,
  gatherVisits,
  mostOverLeast,
  perSecond,
  waitsOf,
} from '../support/visits.mjs';

export default {
  name: 'contended',
  title: '4 processes of 4 callers on one name, 1 ms inside, asking again at once',
  processes: 4,
  work: (context) =>
    recordVisits(
      context,
      Array.from({ length: 4 }, (_, caller) => ({
        name: 'contended',
        caller,
        insideMs: () => 1,
        awayMs: () => 0,
      })),
    ),
  summarize({ reports, window }) {
    const visits = gatherVisits(reports, window);
    const taken = begunWithin(visits, window).length;
    const { ended, pending } = waitsOf(visits, window);
    return {
      perSecond: perSecond(taken, window),
      longestWaits: [largest([...ended, ...pending])],
      mostOverLeast: mostOverLeast(visits, window),
      commands: commandsEach(reports, taken),
      overlaps: [countOverlaps(visits)],
    };
  },
  columns: [
    { head: 'acquisitions/s', value: ({ perSecond: value }) => value },
    { head: 'longest wait, ms', value: ({ longestWaits }) => largest(longestWaits), digits: 1 },
    { head: 'most / least a caller', value: (metrics) => metrics.mostOverLeast, digits: 2 },
    { head: 'commands each', value: ({ commands }) => commands, digits: 2 },
    { head: 'overlaps', value: ({ overlaps }) => sum(overlaps) },
  ],
  targets: [
    {
      text: 'longest wait, ms',
      measure: ({ ours }) => largest(ours.longestWaits),
      atMost: 100,
    },
    { text: 'most / least a caller', measure: ({ ours }) => ours.mostOverLeast, atMost: 1.2 },
    { text: 'commands each', measure: ({ ours }) => ours.commands, atMost: 0.3 },
    {
      text: 'acquisitions/s against the fastest other',
      measure: (standing) => standing.ratioToBest('perSecond'),
      atLeast: 1,
    },
  ],
};
