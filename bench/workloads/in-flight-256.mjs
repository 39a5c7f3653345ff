import { BARE } from '../contestants/index.mjs';
import { countTaken } from '../support/callers.mjs';
import oneCaller, { summarizeCounts } from './one-caller.mjs';

export default {
  name: 'in-flight-256',
  title: 'one process, 256 callers in flight, a new name each time',
  isPinned: true,
  work: (context) =>
    countTaken(context, 256, (caller) => {
      let n = 0;
      return () => `own:${caller}:${n++}`;
    }),
  summarize: summarizeCounts,
  columns: oneCaller.columns,
  targets: [
    {
      text: 'acquisitions/s against bare ioredis',
      measure: (standing) => standing.ratio('perSecond', BARE),
      atLeast: 2,
    },
  ],
};
