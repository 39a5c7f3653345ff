/** What a worker sends to the tax authority. */
export interface SubmissionRequest {
  readonly invoice: string;
  readonly amount: string;
  readonly currency: string;
  readonly submittedBy: string;
  /** The fencing token of the lock it was sent under; `null` when sent without one. */
  readonly fencingToken: number | null;
  /** By the sender's clock, in milliseconds since 1970: right after its last look at the lock. */
  readonly sentAt: number;
}

/** What the tax authority keeps: one for every submission it got, duplicates and all. */
export interface Submission extends SubmissionRequest {
  readonly receipt: number;
  /** When the request arrived, in milliseconds since 1970. */
  readonly receivedAt: number;
  /** When its sender had the answer, or was gone; `null` as long as it waits for it. */
  endedAt: number | null;
}

export interface SubmissionStatistics {
  readonly submissions: number;
  readonly invoices: number;
}
