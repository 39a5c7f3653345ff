/** What a worker hands in to the tax authority: the first step, harmless by itself. */
export interface Document {
  readonly invoice: string;
  readonly amount: string;
  readonly currency: string;
  readonly submittedBy: string;
  /** By the sender's clock, in milliseconds since 1970: right after its last look at the lock. */
  readonly sentAt: number;
}

export interface DocumentReceipt {
  readonly reference: number;
}

/** The answer to the second step: it counts now, and cannot be taken back. */
export interface FilingReceipt {
  readonly receipt: number;
}

/** A line of the authority's journal: all that it has let in, in the order of its transactions. */
export interface JournalEntry {
  readonly entry: number;
  readonly kind: 'handed in' | 'filed' | 'asked';
  readonly invoice: string;
  /** Of the document, which both steps of a submission have; `null` for a question. */
  readonly reference: number | null;
  /** Of the lock under which it was sent; `null` when sent without one. */
  readonly fencingToken: number | null;
  /** `null` for a question. */
  readonly submittedBy: string | null;
  /** ISO 8601. */
  readonly at: string;
}

/** A step of a submission as it passed the authority's door, let in or not: kept for the demo's count. */
export interface Passage {
  readonly step: 'hand in' | 'file';
  readonly invoice: string;
  readonly submittedBy: string;
  readonly sentAt: number;
  /** When the request arrived, in milliseconds since 1970. */
  readonly receivedAt: number;
  /** When its sender had the answer, or was gone; `null` as long as it waits for it. */
  endedAt: number | null;
  /** For its fencing token. */
  isRefused: boolean;
}

export interface SubmissionStatistics {
  readonly submissions: number;
  readonly invoices: number;
  /** Steps that were refused for their fencing token. */
  readonly refused: number;
}

/** How a new journal is begun. */
export interface JournalRequest {
  /** Whether stale fencing tokens are refused. */
  readonly fencing: boolean;
}
