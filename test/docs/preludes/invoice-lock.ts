import type base from './base.js';

/** Under the lock of an invoice. */
export default async function invoiceLock({ locks }: Awaited<ReturnType<typeof base>>) {
  return { lock: await locks.acquire('invoice:42') };
}
