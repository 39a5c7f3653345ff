import type { LockSettings } from '../plan.js';

/** What is held, as its library tells of it. */
export interface Held {
  readonly token?: number;
  /** What the library says when it is asked now. */
  isHeld(): boolean;
  /** Aborts when the library tells that it is lost. */
  readonly signal: AbortSignal;
  /** @returns what the library makes of it */
  release(): Promise<string>;
}

/** The name was taken for as long as was waited. */
export class Busy extends Error {}

/** A library under faults, with the same ttl and the same limits as the others. */
export interface Locks {
  /** @throws Busy */
  acquire(name: string): Promise<Held>;
  /** Where the library has semaphores for such servers. */
  acquirePermit?(name: string, permits: number): Promise<Held>;
  close(): Promise<void>;
}

export type OpenLocks = (settings: LockSettings) => Promise<Locks>;

/** How long those who ask again and again wait in between. */
export const RETRY_MS = 50;
