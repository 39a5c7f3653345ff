import { Lock } from '../../lib/core/lock.js';
import { ManualClock } from '../../lib/testing/manual.clock.js';
import { tenureOf } from './tenures.js';

/** A lock without a store behind it, and the end of it. */
export function heldLock(name: string, fencingToken: number): { lock: Lock; lose: () => void } {
  const tenure = tenureOf(new ManualClock(), { name, fencingToken });
  const lock = new Lock(tenure, {
    release: async () => 'released' as const,
    extend: async () => undefined,
    detach: () => '',
  });
  return { lock, lose: () => tenure.lease.lose('forced') };
}
