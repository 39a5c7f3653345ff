import type { Submission } from '../shared/submission.interface.ts';
import type { Pause } from './faults.ts';

/** How long after its wake-up a replica may still send what it was about to send, in ms. */
const WAKE_UP_MS = 1_000;

export interface Duplicates {
  readonly total: number;
  /** Sent late by a holder that stood still past its lease: a lock alone cannot prevent these. */
  readonly fromStoppedHolder: number;
  /** All others: with locks there must be none. */
  readonly preventable: number;
}

/** A duplicate is every submission of an invoice after the first one that the authority received. */
export function classifyDuplicates(submissions: readonly Submission[], pause?: Pause): Duplicates {
  /** The newest fencing token that the authority has seen for an invoice. */
  const newestTokens = new Map<string, number>();
  let total = 0;
  let fromStoppedHolder = 0;

  for (const submission of submissions.toSorted((a, b) => a.receipt - b.receipt)) {
    const token = submission.fencingToken ?? 0;
    const newest = newestTokens.get(submission.invoice);
    newestTokens.set(submission.invoice, Math.max(newest ?? 0, token));
    if (newest === undefined) continue;

    total += 1;
    // The authority could have told: it had a newer token for this invoice already.
    const overtaken = token > 0 && token < newest;
    if (overtaken && pause && sentOnWaking(submission, pause)) fromStoppedHolder += 1;
  }
  return { total, fromStoppedHolder, preventable: total - fromStoppedHolder };
}

function sentOnWaking({ submittedBy, receivedAt }: Submission, pause: Pause): boolean {
  return (
    submittedBy === pause.replica && receivedAt >= pause.to && receivedAt <= pause.to + WAKE_UP_MS
  );
}
