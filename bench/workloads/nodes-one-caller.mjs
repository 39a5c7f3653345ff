import { BARE } from '../contestants/index.mjs';
import { againstOthers, oneRoundColumn, timeColumns, timedCaller } from '../support/five-nodes.mjs';

export default {
  ...timedCaller,
  name: 'nodes-one-caller',
  title: 'five nodes: one caller takes and gives back in turn, a new name each time',
  columns: [
    ...timeColumns,
    { head: 'commands each', value: ({ commands }) => commands, digits: 2 },
    oneRoundColumn,
  ],
  targets: [
    {
      text: 'pairs/s against bare ioredis',
      measure: (standing) => standing.ratio('perSecond', BARE),
      atLeast: 0.9,
    },
    againstOthers,
  ],
};
