import { readFileSync } from 'node:fs';
import { Injectable } from '@nestjs/common';
import { INVOICE_COLUMNS, type Invoice } from './invoice.interface.ts';
import { INVOICES } from './invoices.ts';
import { WorkerConfig } from './worker.config.ts';

/**
 * The pending invoices as this replica knows them. Like any copy it may be behind: another replica
 * may have issued what is still pending here. Only the tax authority knows for certain.
 */
@Injectable()
export class InvoiceRepository {
  private readonly invoices: Map<string, Invoice>;

  constructor(config: WorkerConfig) {
    const invoices = parseInvoices(readFileSync(config.invoicesFile, 'utf8'));
    this.invoices = new Map(
      invoices.slice(0, config.invoices).map((invoice) => [invoice.number, invoice]),
    );
  }

  /** What is pending now, the oldest first. */
  *pendingInBatchesOf(size: number): Generator<readonly Invoice[], void> {
    const pending = [...this.invoices.values()];
    for (let start = 0; start < pending.length; start += size) {
      yield pending.slice(start, start + size);
    }
  }

  /** @throws if there is no such invoice, or if it is issued */
  byLockName(name: string): Invoice {
    const found = [...this.invoices.values()].find((invoice) => INVOICES.nameOf(invoice) === name);
    if (!found) throw new Error(`No invoice has the lock "${name}".`);
    return found;
  }

  markIssued(invoice: Invoice): void {
    this.invoices.delete(invoice.number);
  }
}

/** No field of the data file holds a comma or a quote. */
export function parseInvoices(csv: string): Invoice[] {
  const [header, ...lines] = csv.trimEnd().split('\n');
  if (header !== INVOICE_COLUMNS.join(',')) throw new Error(`Unknown columns: ${header}`);
  return lines.map((line) => {
    const fields = line.split(',');
    return Object.fromEntries(
      INVOICE_COLUMNS.map((column, index) => [column, fields[index]]),
    ) as unknown as Invoice;
  });
}
