import { Injectable } from '@nestjs/common';
import { Job } from 'nestjs-locker';
import type base from './base.js';
import type { Invoice } from './base.js';

export const INVOICES = new Job<Invoice>({ name: 'invoice', onUnknown: 'hold' });

/** What is still to be issued. */
@Injectable()
export class InvoiceRepository {
  async pending(limit: number): Promise<Invoice[]> {
    return [{ id: 42, number: '2026-42', tenant: 'acme' }].slice(0, limit);
  }
}

/** One element whose outcome nobody knows. */
export default async function jobs({ manager, invoices }: Awaited<ReturnType<typeof base>>) {
  await manager.lock(INVOICES, invoices[0]!);
  await manager.unlock(INVOICES, invoices[0]!, 'unknown');
  return { hasArrived: async (_name: string): Promise<boolean> => true };
}
