import { Job } from 'nestjs-locker';
import type base from './base.js';
import type { Invoice } from './base.js';

/** What the old system has left: its names, and its marks in batches. */
export default async function migrating({ invoices }: Awaited<ReturnType<typeof base>>) {
  const again: Invoice[] = [];
  return {
    names: ['account:1', 'account:2'],
    job: new Job<Invoice>({ name: 'invoice' }),
    processedBefore: [invoices, [{ id: 3, number: '2026-3', tenant: 'acme' }]],
    again,
  };
}
