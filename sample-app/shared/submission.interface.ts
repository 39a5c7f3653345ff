/** What a worker sends to the tax authority. */
export interface SubmissionRequest {
  readonly invoice: string;
  readonly amount: string;
  readonly currency: string;
  readonly submittedBy: string;
  /** The fencing token of the lock it was sent under; `null` when sent without one. */
  readonly fencingToken: number | null;
}

/** What the tax authority keeps: one for every submission it got, duplicates and all. */
export interface Submission extends SubmissionRequest {
  readonly receipt: number;
  /** When the request arrived, in milliseconds since 1970. */
  readonly receivedAt: number;
}

export interface SubmissionStatistics {
  readonly submissions: number;
  readonly invoices: number;
  /** How many were on their way at one moment, at the most. */
  readonly mostAtOnce: number;
}
