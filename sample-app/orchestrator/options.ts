import { parseArgs } from 'node:util';

const MOST_INVOICES = 1_000;
const MOST_SEED = 2 ** 32 - 1;

export const USAGE = `Usage: npm start [-- options]
       npm run seeds [-- options]

Issues pending invoices to a tax authority from several replicas of one worker: with locks and fencing,
then, for contrast, with locks alone, and without locks. All the while replicas are killed, and stopped
for longer than their leases, at random moments. A clerk looks into what nobody knows the outcome of.

  --without-fencing   only the run with locks alone
  --without-locks     only the run without locks
  --replicas N        how many replicas of the worker, 1 to 16 (3)
  --invoices N        how many invoices, 1 to ${MOST_INVOICES} (300)
  --seed N            decides what goes wrong, and when (a random one, which is told)
  --stay              the page on which the locks can be watched stays until Ctrl-C
  --seeds N           so many seeds, one after the other, from --seed on (1); with fencing, or without it
  --help              this text

REDIS_URL names the Redis to use; without it \`npm start\` starts one of its own.
Exit code: 0; 1 if, with fencing, a stale submission was accepted, an invoice was submitted twice or
was left undone, or more than four were submitted at a time; 2 if the demo itself could not run, or did
not come to an end.`;

/**
 * - `with fencing`: locks, and an authority that refuses stale fencing tokens
 * - `without fencing`: locks, and an authority that takes whatever comes
 */
export type Mode = 'with fencing' | 'without fencing' | 'without locks';

export interface DemoOptions {
  /** A run for each. */
  readonly modes: readonly Mode[];
  readonly replicas: number;
  readonly invoices: number;
  /** `undefined` for any. */
  readonly seed: number | undefined;
  /** `undefined` for one run in full. */
  readonly seeds: number | undefined;
  /** Whether the page stays after the last run. */
  readonly stay: boolean;
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
  if (values.stay && (seeds !== undefined || values['without-locks'])) {
    throw new UsageError(
      '--stay is about the page of a run with locks: it does not go with --seeds or --without-locks.',
    );
  }
  const only: Mode[] = [];
  if (values['without-fencing']) only.push('without fencing');
  if (values['without-locks']) only.push('without locks');
  const all: Mode[] = ['with fencing', 'without fencing', 'without locks'];
  return {
    modes: only.length > 0 ? only : seeds === undefined ? all : ['with fencing'],
    replicas: wholeNumber('--replicas', values.replicas, 1, 16),
    invoices: wholeNumber('--invoices', values.invoices, 1, MOST_INVOICES),
    seed: seed === undefined ? undefined : wholeNumber('--seed', seed, 0, MOST_SEED),
    seeds: seeds === undefined ? undefined : wholeNumber('--seeds', seeds, 1, 1_000),
    stay: values.stay,
    help: values.help,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        'without-fencing': { type: 'boolean', default: false },
        'without-locks': { type: 'boolean', default: false },
        replicas: { type: 'string', default: '3' },
        invoices: { type: 'string', default: '300' },
        seed: { type: 'string' },
        seeds: { type: 'string' },
        stay: { type: 'boolean', default: false },
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
