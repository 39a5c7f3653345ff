/** How a client reaches the servers. */
export type Connection =
  | { readonly kind: 'single'; readonly url: string }
  | { readonly kind: 'sentinel'; readonly sentinels: readonly Address[]; readonly name: string }
  | { readonly kind: 'cluster'; readonly nodes: readonly Address[] }
  | { readonly kind: 'nodes'; readonly urls: readonly string[]; readonly isFirst: boolean };

export interface Address {
  readonly host: string;
  readonly port: number;
}

export const LIBRARIES = [
  'nestjs-locker',
  'redlock',
  'redis-semaphore',
  'redlock-universal',
] as const;
export type LibraryName = (typeof LIBRARIES)[number];

export interface LockSettings {
  readonly connection: Connection;
  readonly ttlMs: number;
  readonly waitMs: number;
  readonly storeTimeoutMs: number;
}

/** What a client process is started with. */
export interface ClientPlan extends LockSettings {
  /** Its name in the histories, and where it writes its own. */
  readonly process: string;
  readonly directory: string;
  readonly library: LibraryName;
  readonly seed: number;
  readonly storage: string;
  readonly permits: number;
}

/** What it tells the one who started it, so that a holder can be hit, also between its look and its write. */
export type ClientMessage =
  | { readonly type: 'ready' }
  | { readonly type: 'holds' | 'writes' | 'gave back'; readonly name: string };

/** Wanted all the time, and held for milliseconds. */
export const BUSY = 'busy';
/** Held for longer than a renewal, often for longer than a ttl. */
export const LONG = 'long';
export const longestHoldMs = (ttlMs: number): number => Math.max(3_000, 0.75 * ttlMs);
export const SEMAPHORE = 'permits';
/** Wanted now and then. */
export const SPREAD = Array.from({ length: 10 }, (_, i) => `spread:${i}`);
/** All whose counters the storage has. */
export const LOCKS = [BUSY, LONG, ...SPREAD];
