import { parseArgs } from 'node:util';
import { pathToFileURL } from 'node:url';
import { CONTESTANTS, TWINS } from './contestants/index.mjs';
import { WORKLOADS } from './workloads/index.mjs';

export const USAGE = `npm run bench -- [options]

  --quick                   short windows, one repetition, without ${TWINS.join(' and ')}
  --only <workload>,…       of: ${WORKLOADS.join(', ')}
  --contestants <name>,…    of: ${CONTESTANTS.join(', ')}
  --repetitions <n>         default: 3
  --window <ms>             how long is measured; default: 1800
  --warm-up <ms>            how long before that; default: 2000, so that the code is compiled
  --retry <ms>              how long those who poll wait between attempts; default: 10
  --library <file>          the build to measure; default: dist/esm/index.js
`;

/** @returns what to run, and how; throws if an option is none. */
export function readOptions(args) {
  const text = { type: 'string' };
  const { values } = parseArgs({
    args,
    options: {
      quick: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
      only: text,
      contestants: text,
      repetitions: text,
      window: text,
      'warm-up': text,
      retry: text,
      library: text,
    },
  });
  const { quick: isQuick } = values;
  const number = (name, otherwise) => {
    const value = values[name] === undefined ? otherwise : Number(values[name]);
    if (!Number.isInteger(value) || value < 1) throw new Error(`--${name} is no whole number`);
    return value;
  };
  const build = new URL('../dist/esm/index.js', import.meta.url);
  return {
    needsHelp: values.help,
    workloads: choose(WORKLOADS, values.only, 'workload'),
    contestants: choose(CONTESTANTS, values.contestants, 'contestant', isQuick ? TWINS : []),
    repetitions: number('repetitions', isQuick ? 1 : 3),
    settings: {
      isQuick,
      warmUpMs: number('warm-up', 2_000),
      windowMs: number('window', isQuick ? 1_000 : 1_800),
      ttlMs: 10_000,
      retryMs: number('retry', 10),
      library: values.library ? pathToFileURL(values.library).href : build.href,
    },
  };
}

function choose(all, list, what, leftOut = []) {
  if (list === undefined) return all.filter((name) => !leftOut.includes(name));
  const names = list.split(',').filter(Boolean);
  const unknown = names.filter((name) => !all.includes(name));
  if (unknown.length)
    throw new Error(`no ${what}: ${unknown.join(', ')}; there are ${all.join(', ')}`);
  return all.filter((name) => names.includes(name));
}
