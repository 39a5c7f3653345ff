import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import type {
  Submission,
  SubmissionRequest,
  SubmissionStatistics,
} from '../shared/submission.interface.ts';

/** How long the authority takes over one submission, in milliseconds. */
const PROCESSING = { min: 5, max: 15 };

/**
 * Not idempotent, like so many services one has to call: whatever arrives is accepted and counts.
 * A submission can be asked for once it has been processed, not while it is on its way.
 */
@Injectable()
export class SubmissionService {
  private readonly ledger: Submission[] = [];
  private readonly invoices = new Set<string>();
  private receipts = 0;
  private underWay = 0;
  private mostAtOnce = 0;

  async accept(request: SubmissionRequest): Promise<Submission> {
    const submission = { ...request, receipt: ++this.receipts, receivedAt: Date.now() };
    this.underWay += 1;
    this.mostAtOnce = Math.max(this.mostAtOnce, this.underWay);
    await sleep(randomInt(PROCESSING.min, PROCESSING.max + 1));
    this.underWay -= 1;
    this.ledger.push(submission);
    this.invoices.add(submission.invoice);
    return submission;
  }

  has(invoice: string): boolean {
    return this.invoices.has(invoice);
  }

  all(): readonly Submission[] {
    return this.ledger;
  }

  statistics(): SubmissionStatistics {
    const { mostAtOnce } = this;
    return { submissions: this.ledger.length, invoices: this.invoices.size, mostAtOnce };
  }
}
