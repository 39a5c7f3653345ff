import type { ListId } from './node-port.interface.js';
import type { OutcomeEntry } from './outcome-record.js';
import { endOf, standingOf } from './outcome-view.js';

/** How long it is remembered that an element is open again, for nodes that have not been told. */
export const KEPT_MS = 7 * 24 * 3_600_000;
/** No node's clock that counts is further from the others: what counts is decided by one time for all. */
const SLACK_MS = 2_000;

/** Where a node lists an element, and until when it keeps its record. */
export interface Place {
  readonly list: ListId | undefined;
  /** 0 for ever, as all ends. */
  readonly listedUntil: number;
  readonly endsMs: number;
  readonly isKept: boolean;
}

/**
 * @param isOwed not all nodes have been told: what the others do not know must not come back when it has ended here
 */
export function placeOf(entry: OutcomeEntry, now: number, isOwed = false): Place {
  const { attempts, processed, last } = standingOf(entry, now);
  const counting = processed.length > 0 ? processed : last ? [last] : [];
  if (counting.length === 0) {
    return { list: undefined, listedUntil: 0, endsMs: Math.floor(now + KEPT_MS), isKept: true };
  }
  const { job } = attempts.at(-1)!;
  const list: ListId = processed.length > 0 ? `processed:${job}` : `begun:${job}`;
  const listedUntil = endOf(counting);
  if (listedUntil === 0) return { list, listedUntil, endsMs: 0, isKept: false };
  const endsMs = listedUntil + (isOwed ? KEPT_MS : SLACK_MS);
  return { list, listedUntil, endsMs, isKept: isOwed };
}
