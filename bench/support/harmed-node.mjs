import { setTimeout as sleep } from 'node:timers/promises';
import { windowFrom } from '../measure.mjs';
import {
  againstOthers,
  longestColumn,
  oneRoundColumn,
  timeColumns,
  timedCaller,
} from './five-nodes.mjs';
import { now } from './monotonic-clock.mjs';
import { percentile } from './statistics.mjs';

/** So long before the window, that what is measured is all without the node. */
const BEFORE_MS = 50;

/** All nodes are up during the warm-up; then one is not, for the whole window. */
export const harmedNode = ({ name, title, harm }) => ({
  ...timedCaller,
  name,
  title,
  repetitions: 2,
  async conduct({ servers, startWorker, settings }) {
    const worker = startWorker(0);
    await worker.told('ready');
    const window = windowFrom(now(), settings);
    worker.tell('begin', { window });
    await sleep(window.from - BEFORE_MS - now());
    // Not the first one, which some library might prefer.
    await harm(servers[2]);
    return { window, reports: [await worker.told('report')] };
  },
  columns: [...timeColumns, longestColumn, oneRoundColumn],
  targets: [
    { text: 'acquire p50, ms', measure: ({ ours }) => percentile(ours.acquires, 0.5), atMost: 0.3 },
    againstOthers,
  ],
});
