import { parseArgs } from 'node:util';

export const USAGE = `Usage: npm start [-- options]

Issues pending invoices to a tax authority from several replicas of one worker, with locks and then,
for contrast, without them. One replica is killed half-way, another stands still for a while.

  --without-locks   only the run without locks
  --replicas N      how many replicas of the worker, 1 to 16 (3)
  --invoices N      how many invoices, 1 to 1000 (1000)
  --help            this text

REDIS_URL names the Redis to use; without it \`npm start\` starts one of its own.
Exit code: 0; 1 if a duplicate came through that the locks should have prevented; 2 if the demo
itself could not run.`;

export interface DemoOptions {
  readonly locked: boolean;
  readonly replicas: number;
  readonly invoices: number;
  readonly help: boolean;
}

/** The command line is wrong; the message says how. */
export class UsageError extends Error {}

export function parseOptions(args: readonly string[]): DemoOptions {
  const { values } = parse(args);
  return {
    locked: !values['without-locks'],
    replicas: wholeNumber('--replicas', values.replicas, 16),
    invoices: wholeNumber('--invoices', values.invoices, 1_000),
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
        invoices: { type: 'string', default: '1000' },
        help: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function wholeNumber(name: string, value: string, max: number): number {
  const number = Number(value);
  if (!/^\d+$/.test(value) || number < 1 || number > max) {
    throw new UsageError(`${name} is a whole number from 1 to ${max}, not "${value}".`);
  }
  return number;
}
