import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import type {
  Submission,
  SubmissionRequest,
  SubmissionStatistics,
} from '../shared/submission.interface.ts';

/** How long the authority takes over one submission, in milliseconds. */
const PROCESSING = { min: 30, max: 90 };

/**
 * Not idempotent, like so many services one has to call: whatever arrives is accepted and counts,
 * even if its sender is gone before it has the answer. A submission can be asked for once it has been
 * processed, not while it is under way.
 */
@Injectable()
export class SubmissionService {
  private readonly ledger: Submission[] = [];
  private readonly invoices = new Set<string>();
  private readonly inProcess = new Set<Submission>();
  private receipts = 0;

  /** @param gone aborts if the sender goes away without waiting for the answer */
  async accept(request: SubmissionRequest, gone: AbortSignal): Promise<Submission> {
    const submission: Submission = {
      ...request,
      receipt: ++this.receipts,
      receivedAt: Date.now(),
      endedAt: null,
    };
    const end = (): void => {
      submission.endedAt ??= Date.now();
    };
    gone.addEventListener('abort', end);

    this.inProcess.add(submission);
    await sleep(randomInt(PROCESSING.min, PROCESSING.max + 1));
    this.inProcess.delete(submission);
    this.ledger.push(submission);
    this.invoices.add(submission.invoice);
    end();
    return submission;
  }

  has(invoice: string): boolean {
    return this.invoices.has(invoice);
  }

  all(): readonly Submission[] {
    return this.ledger;
  }

  underWay(): readonly Submission[] {
    return [...this.inProcess];
  }

  statistics(): SubmissionStatistics {
    return { submissions: this.ledger.length, invoices: this.invoices.size };
  }
}
