import { expect } from '@jest/globals';
import type { Lock, LockService } from 'nestjs-locker';
import { assertFenced } from 'nestjs-locker/fencing';
import { errorOf } from './lock-service.js';

const INVOICE = { label: 'invoice:<id>' };
const REPORT = { label: 'report' };
const exclusive = { mode: 'exclusive' };

/** What is counted of `playLocks`: names of measurements, their labels, and how often. */
export const PLAYED: [string, Record<string, string>, number][] = [
  ['acquire.duration', { lock: 'invoice:<id>', ...exclusive, result: 'granted' }, 3],
  ['acquire.duration', { lock: 'report', ...exclusive, result: 'granted' }, 2],
  ['acquire.duration', { lock: 'report', ...exclusive, result: 'busy' }, 1],
  ['acquire.duration', { lock: 'report', ...exclusive, result: 'timeout' }, 1],
  ['acquire.duration', { lock: 'other', ...exclusive, result: 'granted' }, 1],
  ['acquire.duration', { lock: 'order', ...exclusive, result: 'granted' }, 2],
  ['acquire.duration', { lock: 'order', ...exclusive, result: 'processed' }, 1],
  ['acquire.duration', { lock: 'authority', mode: 'permit', result: 'granted' }, 2],
  ['wait.duration', { lock: 'report', ...exclusive, result: 'granted' }, 1],
  ['wait.duration', { lock: 'report', ...exclusive, result: 'timeout' }, 1],
  ['hold.duration', { lock: 'invoice:<id>', ...exclusive, result: 'released' }, 3],
  ['hold.duration', { lock: 'report', ...exclusive, result: 'released' }, 2],
  ['hold.duration', { lock: 'other', ...exclusive, result: 'lost' }, 1],
  ['hold.duration', { lock: 'order', ...exclusive, result: 'released' }, 2],
  ['held', { lock: 'invoice:<id>', ...exclusive }, 0],
  ['held', { lock: 'report', ...exclusive }, 0],
  ['held', { lock: 'other', ...exclusive }, 0],
  ['held', { lock: 'order', ...exclusive }, 0],
  ['held', { lock: 'authority', mode: 'permit' }, 2],
  ['waiting', { lock: 'report', ...exclusive }, 0],
  ['contentions', { lock: 'report', ...exclusive }, 3],
  ['lost', { lock: 'other', ...exclusive, reason: 'forced' }, 1],
  ['once', { lock: 'order', result: 'executed' }, 1],
  ['once', { lock: 'order', result: 'replayed' }, 1],
  ['once', { lock: 'order', result: 'failed' }, 1],
  ['fence.rejected', { storage: 'sql' }, 1],
];

/** A few locks of every kind and with every usual end; two permits stay held. */
export async function playLocks(locks: LockService): Promise<Lock[]> {
  for (const id of [1, 2, 3]) await locks.withLock(`invoice:${id}`, () => undefined, INVOICE);

  const holder = await locks.acquire('report', REPORT);
  expect(await locks.tryAcquire('report', REPORT)).toBeNull();
  await errorOf(locks.acquire('report', { ...REPORT, wait: 50 }));
  const next = new Promise<Lock>((resolve, reject) => {
    const onWaiting = (): void => void holder.release().catch(reject);
    locks.acquire('report', { ...REPORT, wait: '1m', onWaiting }).then(resolve, reject);
  });
  await (await next).release();

  const forced = await locks.acquire('a-name-of-its-own');
  await locks.forceRelease('a-name-of-its-own');
  expect(forced.isHeld).toBe(false);

  await locks.once('order:1', () => undefined);
  await locks.once('order:1', () => undefined);
  await errorOf(locks.once('order:2', () => Promise.reject(new Error('no'))));

  expect(() => assertFenced(0, 'invoice 42', 7)).toThrow('is refused');

  const authority = locks.semaphore('authority', 4);
  const options = { label: 'authority', ttl: '6s' } as const;
  return [await authority.acquire(options), await authority.acquire(options)];
}
