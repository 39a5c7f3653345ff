import { performance } from 'node:perf_hooks';
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { keysOf } from '../../lib/stores/redis/redis-keys.js';

export const leaseKey = (name: string): string => keysOf('lock', name).lease;

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
