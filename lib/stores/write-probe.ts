import { randomUUID } from 'node:crypto';
import { errorFrom, within } from '../core/within.js';
import type { LockStore } from './lock-store.interface.js';
import type { ServerFacts } from './survey.interface.js';

const TTL_MS = 1_000;

/** A name that nobody else has. */
export const probeName = (): string => `nestjs-locker:probe:${randomUUID()}`;

/** As whom a probe is written. */
export const PROBE_HOLDER = { service: 'nestjs-locker', host: '', pid: process.pid };

/** Proves with a write that locks can be taken: PING would be answered by a read-only replica, too. */
export async function probeWrite(
  store: Pick<LockStore, 'acquire' | 'release'>,
  name = probeName(),
): Promise<void> {
  const subject = { name, kind: 'lock', owner: randomUUID() } as const;
  const asked = { units: 0, permits: 0, ttlMs: TTL_MS, tokens: 1, holder: PROBE_HOLDER };
  const reply = await store.acquire({ ...subject, ...asked });
  const owner = (reply.status === 'granted' ? reply.owner : undefined) ?? subject.owner;
  await store.release({ ...subject, owner });
}

/** How long a write took, or why it failed. */
export async function timeWrite(
  probe: () => Promise<void>,
  timeoutMs: number,
): Promise<Pick<ServerFacts, 'latencyMs' | 'error'>> {
  const startedAt = performance.now();
  const error = await within(probe(), timeoutMs).then(() => null, errorFrom);
  return { latencyMs: error ? null : performance.now() - startedAt, error };
}

/** What is known of a server that tells nothing of itself. */
export const NOTHING_TOLD: Omit<ServerFacts, 'server' | 'latencyMs' | 'error'> = {
  product: null,
  version: null,
  role: null,
  isClusterNode: null,
  evictionPolicy: null,
  clockOffsetMs: null,
  persistence: null,
  missing: null,
  node: null,
};
