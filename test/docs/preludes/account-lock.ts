import { randomUUID } from 'node:crypto';
import type base from './base.js';

/** Under the lock of an account that has some money. */
export default async function accountLock({ locks, redis }: Awaited<ReturnType<typeof base>>) {
  await redis.set('{account:7}:balance', 100);
  return { lock: await locks.acquire('{account:7}'), operationId: randomUUID() };
}
