import { BARE } from '../contestants/index.mjs';
import { countTaken } from '../support/callers.mjs';
import { sum } from '../support/statistics.mjs';
import { commandsEach, perSecond } from '../support/visits.mjs';

export function summarizeCounts({ reports, window }) {
  const taken = sum(reports.map((report) => report.taken));
  return { perSecond: perSecond(taken, window), commands: commandsEach(reports, taken) };
}

export default {
  name: 'one-caller',
  title: 'one caller takes and gives back in turn, a new name each time',
  isPinned: true,
  work: (context) =>
    countTaken(context, 1, () => {
      let n = 0;
      return () => `one:${n++}`;
    }),
  summarize: summarizeCounts,
  columns: [
    { head: 'acquisitions/s', value: ({ perSecond: value }) => value },
    { head: '× bare ioredis', ratio: 'perSecond', to: BARE, digits: 2 },
    { head: 'commands each', value: ({ commands }) => commands, digits: 2 },
  ],
  targets: [
    {
      text: 'acquisitions/s against bare ioredis',
      measure: (standing) => standing.ratio('perSecond', BARE),
      atLeast: 0.95,
    },
  ],
};
