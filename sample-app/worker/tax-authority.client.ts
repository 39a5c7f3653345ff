import { Injectable } from '@nestjs/common';
import type { SubmissionRequest } from '../shared/submission.interface.ts';
import type { Invoice } from './invoice.interface.ts';
import { WorkerConfig } from './worker.config.ts';

const TIMEOUT_MS = 10_000;

export interface SubmitOptions {
  /** Tells the authority under which lock this was sent, so that late ones can be told apart. */
  readonly fencingToken?: number;
  /** Ends the request, for example when the lock is lost. */
  readonly signal?: AbortSignal;
}

/** Our side of the tax authority's HTTP interface. */
@Injectable()
export class TaxAuthorityClient {
  constructor(private readonly config: WorkerConfig) {}

  async hasReceived(invoice: Invoice, signal?: AbortSignal): Promise<boolean> {
    const path = `invoices/${encodeURIComponent(invoice.number)}`;
    const { received } = (await this.request(path, {}, signal)) as { received: boolean };
    return received;
  }

  async submit(invoice: Invoice, options: SubmitOptions = {}): Promise<void> {
    const submission: SubmissionRequest = {
      invoice: invoice.number,
      amount: invoice.amount,
      currency: invoice.currency,
      submittedBy: this.config.replica,
      fencingToken: options.fencingToken ?? null,
      sentAt: Date.now(),
    };
    await this.request(
      'submissions',
      {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(submission),
      },
      options.signal,
    );
  }

  private async request(path: string, init: RequestInit, signal?: AbortSignal): Promise<unknown> {
    const timeout = AbortSignal.timeout(TIMEOUT_MS);
    const response = await fetch(`${this.config.authorityUrl}/${path}`, {
      ...init,
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    });
    if (!response.ok) {
      throw new Error(`The tax authority answered ${response.status} to ${path}.`);
    }
    return response.json();
  }
}
