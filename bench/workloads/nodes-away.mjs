import { BARE } from '../contestants/index.mjs';
import { againstOthers, oneRoundColumn, timeColumns, timedCaller } from '../support/five-nodes.mjs';

export default {
  ...timedCaller,
  name: 'nodes-away',
  title: 'five nodes, each a millisecond away: one caller in turn',
  awayMs: 1,
  columns: [...timeColumns, oneRoundColumn],
  targets: [
    {
      text: 'pairs/s against bare ioredis',
      measure: (standing) => standing.ratio('perSecond', BARE),
      atLeast: 0.9,
    },
    againstOthers,
  ],
};
