import { IN_PROCESS } from '../contestants/index.mjs';
import { countTaken } from '../support/callers.mjs';
import { summarizeCounts } from './one-caller.mjs';

export default {
  name: 'one-process-64',
  title: 'one process, 64 callers on one name, nothing to do inside',
  isPinned: true,
  takesPart: () => true,
  work: (context) => countTaken(context, 64, () => () => 'shared'),
  summarize: summarizeCounts,
  columns: [
    { head: 'acquisitions/s', value: ({ perSecond }) => perSecond },
    { head: '× async-mutex', ratio: 'perSecond', to: IN_PROCESS, digits: 3 },
    { head: 'commands each', value: ({ commands }) => commands, digits: 3 },
  ],
  targets: [
    {
      text: 'acquisitions/s against async-mutex',
      measure: (standing) => standing.ratio('perSecond', IN_PROCESS),
      atLeast: 0.5,
    },
    {
      text: 'acquisitions/s against the best that uses Redis',
      measure: (standing) => standing.ratioToBest('perSecond', [IN_PROCESS]),
      atLeast: 10,
    },
  ],
};
