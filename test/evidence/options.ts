import { parseArgs } from 'node:util';
import { LIBRARIES, type LibraryName } from './client/plan.js';
import { FAULTS, QUICK } from './faults/index.js';
import type { Fault } from './faults/fault.js';

export const USAGE = `npm run faults -- [options]

  --only <fault>,…      of: ${FAULTS.map(({ name }) => name).join(', ')}
  --library <name>,…    of: ${LIBRARIES.join(', ')}; default: all
  --seconds <n>         for how long each fault comes again and again; default: 12
  --seed <n>            of the first run; default: 1
  --quick               some faults, for 4 s each, on nestjs-locker alone: what CI runs
  --write               puts the tables into docs/evidence.md
  --json <file>         what the tables are made of
`;

export interface Options {
  readonly needsHelp: boolean;
  readonly faults: readonly Fault[];
  readonly libraries: readonly LibraryName[];
  readonly seconds: number;
  readonly seed: number;
  readonly writes: boolean;
  readonly json?: string;
}

/** @throws if an option is none */
export function readOptions(args: readonly string[]): Options {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: text,
      library: text,
      seconds: text,
      seed: text,
      json: text,
      quick: { type: 'boolean', default: false },
      write: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const number = (name: 'seconds' | 'seed', otherwise: number) => {
    const value = values[name] === undefined ? otherwise : Number(values[name]);
    if (!Number.isInteger(value) || value < 0) throw new Error(`--${name} is no whole number`);
    return value;
  };
  const { quick } = values;
  const names = choose(
    FAULTS.map(({ name }) => name),
    values.only ?? (quick ? QUICK.join(',') : undefined),
    'fault',
  );
  return {
    needsHelp: values.help,
    faults: FAULTS.filter(({ name }) => names.includes(name)),
    libraries: choose(
      LIBRARIES,
      values.library ?? (quick ? 'nestjs-locker' : undefined),
      'library',
    ),
    seconds: number('seconds', quick ? 4 : 12),
    seed: number('seed', 1),
    writes: values.write,
    ...(values.json !== undefined && { json: values.json }),
  };
}

function choose<T extends string>(all: readonly T[], list: string | undefined, what: string): T[] {
  if (list === undefined) return [...all];
  const names = list.split(',').filter(Boolean);
  const unknown = names.filter((name) => !(all as readonly string[]).includes(name));
  if (unknown.length > 0) {
    throw new Error(`no ${what}: ${unknown.join(', ')}; there are ${all.join(', ')}`);
  }
  return all.filter((name) => names.includes(name));
}
