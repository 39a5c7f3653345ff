import type { Submission } from '../shared/submission.interface.ts';

/** As long as a lease: whoever needed longer to send may have had none any more. */
const LEASE_MS = 2_000;

/** All submissions of an invoice that the authority received more than once, the earliest first. */
export type Duplicate = readonly [Submission, Submission, ...Submission[]];

export function findDuplicates(submissions: readonly Submission[]): Duplicate[] {
  const byInvoice = new Map<string, Submission[]>();
  for (const submission of submissions.toSorted((a, b) => a.receipt - b.receipt)) {
    const same = byInvoice.get(submission.invoice);
    if (same) same.push(submission);
    else byInvoice.set(submission.invoice, [submission]);
  }
  return [...byInvoice.values()].filter(
    (same): same is [Submission, Submission] => same.length > 1,
  );
}

/**
 * Its sender was stopped between its last look at the lock and the first byte on the wire. No lock
 * can prevent that; the authority could refuse it by its fencing token, once a newer one was there.
 */
export function wasSentOnWaking({ sentAt, receivedAt }: Submission): boolean {
  return receivedAt - sentAt >= LEASE_MS;
}

/**
 * How many were under way at one moment, at the most: of each, from its arrival until its sender had
 * the answer or was gone, which is when a permit ends. Those that were sent on waking do not count.
 */
export function mostAtOnce(submissions: readonly Submission[]): number {
  const steps = submissions
    .filter((submission) => !wasSentOnWaking(submission))
    .flatMap(({ receivedAt, endedAt }) => [
      { at: receivedAt, change: 1 },
      { at: endedAt ?? Infinity, change: -1 },
    ])
    .toSorted((a, b) => a.at - b.at || a.change - b.change);
  let now = 0;
  let most = 0;
  for (const { change } of steps) {
    now += change;
    most = Math.max(most, now);
  }
  return most;
}
