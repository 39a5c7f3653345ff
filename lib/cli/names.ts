import { printable } from '../core/printable.js';
import { holderText } from '../core/holder-text.js';
import type { Holder, LeaseRecord, NameKind, NameRecord } from '../stores/lock-store.interface.js';
import type { Waiter } from '../stores/lock-store.interface.js';
import { span, table } from './terminal.js';

/** A name and what is known of it. */
export interface NamedRecord extends NameRecord {
  readonly name: string;
  readonly kind: NameKind;
}

const HEADINGS = ['NAME', 'KIND', 'HELD BY', 'AGE', 'LEFT', 'TOKEN', 'WAITING'] as const;

/** One line for each holder, under headings. */
export function holderTable(names: readonly NamedRecord[], now: number): string[] {
  const rows = names.flatMap((record) =>
    record.holders.map((lease, i) => [
      i === 0 ? printable(record.name) : '',
      i === 0 ? kindOf(record) : '',
      who(lease.holder) + unitsOf(lease),
      span(now - lease.since.getTime()),
      span(lease.remainingMs),
      String(lease.fencingToken),
      i === 0 ? String(record.waiting) : '',
    ]),
  );
  return table([HEADINGS, ...rows]);
}

export const who = (holder: Holder): string => printable(holderText(holder));

function kindOf({ kind, permits, holders }: NamedRecord): string {
  if (kind === 'semaphore') return `semaphore of ${permits}`;
  return holders.some(({ units }) => units > 0) ? 'shared' : 'lock';
}

function unitsOf({ units, nodes }: LeaseRecord): string {
  const permits = units > 1 ? `, ${units} permits` : '';
  return permits + (nodes ? `, on ${nodes.have} of ${nodes.all} nodes` : '');
}

/** The shape of docs/command.md: what is in it stays. */
export function toJson(
  { name, kind, permits, waiting, holders }: NamedRecord,
  now: number,
  queue?: readonly Waiter[],
): object {
  return {
    name,
    kind,
    ...(kind === 'semaphore' && { permits }),
    waiting,
    holders: holders.map(({ holder, since, ...lease }) => ({
      ...holder,
      fencingToken: lease.fencingToken,
      since: since.toISOString(),
      heldMs: Math.max(0, Math.round(now - since.getTime())),
      remainingMs: Math.round(lease.remainingMs),
      units: lease.units,
      ...(lease.nodes && { nodes: lease.nodes }),
    })),
    ...(queue && { queue: queue.map(({ holder, units }) => ({ ...holder, units })) }),
  };
}
