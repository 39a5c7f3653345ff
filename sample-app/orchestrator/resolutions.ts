import type { Resolution } from '../clerk/clerk.service.ts';
import { formatTable } from './table.ts';

/** The unknown outcomes, the earliest first: a row for what was begun together and has the same answer. */
export function formatResolutions(resolutions: readonly Resolution[]): string {
  const groups = new Map<string, Resolution[]>();
  const sorted = resolutions.toSorted(
    (a, b) => a.since.getTime() - b.since.getTime() || a.invoice.localeCompare(b.invoice),
  );
  for (const resolution of sorted) {
    const { begunBy, fencingToken, hasArrived } = resolution;
    const key = [begunBy, fencingToken, hasArrived].join();
    groups.set(key, [...(groups.get(key) ?? []), resolution]);
  }
  return formatTable(
    [
      ['begun by', 'at', 'token', 'arrived', 'so', 'invoices'],
      'line',
      ...[...groups.values()].map((group) => {
        const { begunBy, since, fencingToken, hasArrived } = group[0]!;
        return [
          begunBy,
          since.toISOString().slice(11, 23),
          String(fencingToken),
          hasArrived ? 'yes' : 'no',
          hasArrived ? 'done' : 'open again',
          shorten(group.map(({ invoice }) => invoice)),
        ];
      }),
    ],
    { endsWithText: true },
  );
}

/** The first number in full, and the last digits of the others. */
function shorten([first, ...others]: readonly string[]): string {
  return [first, ...others.map((number) => number.slice(-3))].join(' ');
}
