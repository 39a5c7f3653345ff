import { Injectable } from '@nestjs/common';
import { fencedFetch } from '../../lib/fencing/index.ts';
import type { Document, DocumentReceipt } from '../shared/submission.interface.ts';
import type { Invoice } from './invoice.interface.ts';
import { WorkerConfig } from './worker.config.ts';

const TIMEOUT_MS = 20_000;

/**
 * Our side of the tax authority's HTTP interface. With a fencing token it refuses what is sent under an
 * older one: a `StaleFencingTokenError` here.
 */
@Injectable()
export class TaxAuthorityClient {
  constructor(private readonly config: WorkerConfig) {}

  /** Asked with a token, the answer holds for whatever was begun under an older one. */
  async hasReceived(invoice: Invoice, fencingToken?: number): Promise<boolean> {
    const path = `invoices/${encodeURIComponent(invoice.number)}`;
    const { received } = (await this.request(path, {}, fencingToken)) as { received: boolean };
    return received;
  }

  /** In two steps: a document is handed in, which takes a while, and then filed, which counts. */
  async submit(invoice: Invoice, fencingToken?: number): Promise<void> {
    const document: Document = {
      invoice: invoice.number,
      amount: invoice.amount,
      currency: invoice.currency,
      submittedBy: this.config.replica,
      sentAt: Date.now(),
    };
    const handIn = {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(document),
    };
    const handedIn = (await this.request('submissions', handIn, fencingToken)) as DocumentReceipt;
    await this.request(
      `submissions/${handedIn.reference}/filing`,
      { method: 'POST' },
      fencingToken,
    );
  }

  private async request(path: string, init: RequestInit, fencingToken?: number): Promise<unknown> {
    const url = `${this.config.authorityUrl}/${path}`;
    const limited = { ...init, signal: AbortSignal.timeout(TIMEOUT_MS) };
    const response = await (fencingToken === undefined
      ? fetch(url, limited)
      : fencedFetch(fencingToken, url, limited));
    if (!response.ok) {
      throw new Error(`The tax authority answered ${response.status} to ${path}.`);
    }
    return response.json();
  }
}
