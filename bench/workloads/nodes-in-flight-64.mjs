import { countTaken } from '../support/callers.mjs';
import { againstOthers, fiveNodes } from '../support/five-nodes.mjs';
import oneCaller, { summarizeCounts } from './one-caller.mjs';

export default {
  ...fiveNodes,
  name: 'nodes-in-flight-64',
  title: 'five nodes: one process, 64 callers in flight, a new name each time',
  isPinned: true,
  repetitions: 2,
  work: (context) =>
    countTaken(context, 64, (caller) => {
      let n = 0;
      return () => `own:${caller}:${n++}`;
    }),
  summarize: summarizeCounts,
  columns: oneCaller.columns,
  targets: [againstOthers],
};
