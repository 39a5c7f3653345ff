import type { JournalEntry, Passage } from '../shared/submission.interface.ts';

/** As long as a lease: whoever needed longer to send may have had none any more. */
const LEASE_MS = 2_000;

/** All submissions of an invoice that was filed more than once, the earliest first. */
export type Duplicate = readonly [JournalEntry, JournalEntry, ...JournalEntry[]];

export function filingsOf(journal: readonly JournalEntry[]): JournalEntry[] {
  return journal.filter(({ kind }) => kind === 'filed').toSorted((a, b) => a.entry - b.entry);
}

export function findDuplicates(journal: readonly JournalEntry[]): Duplicate[] {
  const byInvoice = new Map<string, JournalEntry[]>();
  for (const filing of filingsOf(journal)) {
    const same = byInvoice.get(filing.invoice);
    if (same) same.push(filing);
    else byInvoice.set(filing.invoice, [filing]);
  }
  return [...byInvoice.values()].filter(
    (same): same is [JournalEntry, JournalEntry] => same.length > 1,
  );
}

/**
 * Submissions that were let in although a newer fencing token had been there before: found in what the
 * authority has written down, whatever its guard says. Of each the first step that was stale, as a
 * submission is refused only once, too.
 */
export function findStale(journal: readonly JournalEntry[]): JournalEntry[] {
  const newest = new Map<string, number>();
  const found = new Map<number, JournalEntry>();
  for (const entry of journal.toSorted((a, b) => a.entry - b.entry)) {
    const { invoice, reference, fencingToken } = entry;
    if (fencingToken === null) continue;
    const before = newest.get(invoice) ?? 0;
    newest.set(invoice, Math.max(before, fencingToken));
    // A question has no reference: it lets nothing in.
    if (reference === null || fencingToken >= before) continue;
    if (!found.has(reference)) found.set(reference, entry);
  }
  return [...found.values()];
}

/**
 * Its sender was stopped between its last look at the lock and the first byte on the wire. No lock can
 * prevent that; the authority refuses it if somebody with a newer fencing token was there before.
 */
export function wasSentOnWaking({ sentAt, receivedAt }: Passage): boolean {
  return receivedAt - sentAt >= LEASE_MS;
}

/** Filings that were sent on waking, and what was refused before it came to that. */
export function countSentOnWaking(traffic: readonly Passage[]): number {
  return traffic.filter(
    (passage) => wasSentOnWaking(passage) && (passage.step === 'file' || passage.isRefused),
  ).length;
}

/**
 * How many steps of submissions were under way at one moment, at the most: of each, from its arrival
 * until its sender had the answer or was gone. What was refused does not count, nor what was sent on
 * waking: the permit has ended with its lease.
 */
export function mostAtOnce(traffic: readonly Passage[]): number {
  const changes = traffic
    .filter((passage) => !passage.isRefused && !wasSentOnWaking(passage))
    .flatMap(({ receivedAt, endedAt }) => [
      { at: receivedAt, change: 1 },
      { at: endedAt ?? Infinity, change: -1 },
    ])
    .toSorted((a, b) => a.at - b.at || a.change - b.change);
  let now = 0;
  let most = 0;
  for (const { change } of changes) {
    now += change;
    most = Math.max(most, now);
  }
  return most;
}
