// What the workloads over several nodes have in common.
import { BARE } from '../contestants/index.mjs';
import { timeInTurn } from './callers.mjs';
import { largest, median, percentile } from './statistics.mjs';
import { commandsEach, perSecond } from './visits.mjs';

export const fiveNodes = {
  nodes: 5,
  takesPart: ({ overNodes }) => !!overNodes,
  // On one CPU with the compiler, as a caller in turn is, code takes seconds to become what it is in a service that
  // runs for days.
  timesOf: ({ warmUpMs, isQuick }) => ({ warmUpMs: isQuick ? warmUpMs : 3 * warmUpMs }),
};

/** The share of acquisitions that one round of calls was enough for, where a contestant tells it. */
export const oneRoundOf = (reports) =>
  median(reports.flatMap(({ facts }) => facts?.oneRound ?? []));

export const oneRoundColumn = {
  head: 'in one round, %',
  value: ({ oneRound }) => oneRound * 100,
  digits: 1,
};

/** One caller, a new name each time, every call timed. */
export const timedCaller = {
  ...fiveNodes,
  isPinned: true,
  work: (context) => {
    let n = 0;
    return timeInTurn(context, () => `one:${n++}`);
  },
  summarize({ reports, window }) {
    const [{ acquires, pairs, pending }] = reports;
    return {
      perSecond: perSecond(pairs.length, window),
      acquires,
      pairs,
      longest: [largest([...pairs, pending])],
      commands: commandsEach(reports, pairs.length),
      oneRound: oneRoundOf(reports),
    };
  },
};

const milliseconds = (head, value) => ({ head: `${head}, ms`, value, digits: 2 });

export const timeColumns = [
  { head: 'pairs/s', value: ({ perSecond: value }) => value },
  { head: '× bare ioredis', ratio: 'perSecond', to: BARE, digits: 2 },
  milliseconds('acquire p50', ({ acquires }) => percentile(acquires, 0.5)),
  milliseconds('acquire p99', ({ acquires }) => percentile(acquires, 0.99)),
  milliseconds('pair p50', ({ pairs }) => percentile(pairs, 0.5)),
  milliseconds('pair p99', ({ pairs }) => percentile(pairs, 0.99)),
];

export const longestColumn = milliseconds('longest', ({ longest }) => largest(longest));

export const againstOthers = {
  text: 'against the best other library',
  measure: (standing) => standing.ratioToBest('perSecond', [BARE]),
  atLeast: 1,
};
