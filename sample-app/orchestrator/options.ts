import { parseArgs } from 'node:util';

const MOST_INVOICES = 1_000;
const MOST_SEED = 2 ** 32 - 1;

export const USAGE = `Usage: npm start [-- options]
       npm run seeds [-- options]

Issues pending invoices to a tax authority from several replicas of one worker, with locks and then,
for contrast, without them. All the while replicas are killed, and stopped for longer than their
leases, at random moments. What nobody knows the outcome of is looked into at the end.

  --without-locks   only the run without locks
  --replicas N      how many replicas of the worker, 1 to 16 (3)
  --invoices N      how many invoices, 1 to ${MOST_INVOICES} (400)
  --seed N          decides what goes wrong, and when (a random one, which is told)
  --seeds N         only runs with locks, for so many seeds, one after the other, from --seed on (1)
  --help            this text

REDIS_URL names the Redis to use; without it \`npm start\` starts one of its own.
Exit code: 0; 1 if, with locks, an invoice was submitted twice or was left undone, or if more than
four were submitted at a time; 2 if the demo itself could not run, or did not come to an end.`;

export interface DemoOptions {
  readonly locked: boolean;
  readonly replicas: number;
  readonly invoices: number;
  /** `undefined` for any. */
  readonly seed: number | undefined;
  /** `undefined` for one run in full. */
  readonly seeds: number | undefined;
  readonly help: boolean;
}

/** The command line is wrong; the message says how. */
export class UsageError extends Error {}

export function parseOptions(args: readonly string[]): DemoOptions {
  const { values } = parse(args);
  const { seed, seeds } = values;
  if (seeds !== undefined && values['without-locks']) {
    throw new UsageError('--seeds is about locks: it does not go with --without-locks.');
  }
  return {
    locked: !values['without-locks'],
    replicas: wholeNumber('--replicas', values.replicas, 1, 16),
    invoices: wholeNumber('--invoices', values.invoices, 1, MOST_INVOICES),
    seed: seed === undefined ? undefined : wholeNumber('--seed', seed, 0, MOST_SEED),
    seeds: seeds === undefined ? undefined : wholeNumber('--seeds', seeds, 1, 1_000),
    help: values.help,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        'without-locks': { type: 'boolean', default: false },
        replicas: { type: 'string', default: '3' },
        invoices: { type: 'string', default: '400' },
        seed: { type: 'string' },
        seeds: { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function wholeNumber(name: string, value: string, min: number, max: number): number {
  const number = Number(value);
  if (!/^\d+$/.test(value) || number < min || number > max) {
    throw new UsageError(`${name} is a whole number from ${min} to ${max}, not "${value}".`);
  }
  return number;
}
