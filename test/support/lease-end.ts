import { performance } from 'node:perf_hooks';
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import type { LeaseRecord, LockStore } from 'nestjs-locker';
import { keysOf, type NameKeys } from '../../lib/stores/redis/redis-keys.js';

/** Where Redis keeps what belongs to a lock. */
export const lockKeys = (name: string): NameKeys => keysOf('lock', { name, kind: 'lock' });

export const leaseKey = (name: string): string => lockKeys(name).lease;

/** The lease of a lock as its store records it; `null` if nobody holds it. */
export async function leaseIn(store: LockStore, name: string): Promise<LeaseRecord | null> {
  const { holders } = await store.inspect({ name, kind: 'lock' });
  return holders[0] ?? null;
}

/** When Redis will let go of a name's lease as it stands, by this process's `performance.now()`. */
export async function leaseEnd(client: Redis, name: string): Promise<number> {
  const endsAt = await client.pexpiretime(leaseKey(name));
  if (endsAt < 0) throw new Error(`there is no lease of "${name}"`);
  return endsAt - Date.now() + performance.now();
}

/** Resolves once that time has passed, and after every timer that was due by then. */
export async function passed(time: number): Promise<void> {
  for (let left; (left = time - performance.now()) > 0;) await sleep(left);
  await turn();
}
