import type { Lock } from 'nestjs-locker';
import type { Lease } from '../../../lib/core/lease.js';
import type { QuorumProcess } from './quorum-process.js';
import type { Take } from './schedule.js';

/** One caller: what it asks for, and what has become of it. */
export class Call {
  readonly cancelling = new AbortController();
  /** When it was asked for: its process may have stood still. */
  askedAt = Infinity;
  lock: Lock | undefined;
  /** When it began to hold, if it did; a lock that was lost on its way never did. */
  heldFrom = Infinity;
  outcome: string | undefined;
  settledAt = Infinity;

  constructor(
    readonly id: number,
    readonly process: QuorumProcess,
    readonly take: Omit<Take, 'type' | 'process'>,
  ) {}

  get isOver(): boolean {
    if (this.process.isCrashed) return true;
    return this.lock ? this.lock.isReleased : this.outcome !== undefined;
  }

  /** Whether it believes to hold what it asked for: only a process that runs believes anything. */
  get believesToHold(): boolean {
    return this.process.isRunning && this.lock !== undefined && this.lock.isHeld;
  }

  get token(): number {
    return this.lock!.fencingToken;
  }

  /** As nodes know it, attempts aside. */
  get owner(): string {
    const { holding } = this.lock as unknown as { holding: { lease: Lease } };
    return holding.lease.owner;
  }

  get title(): string {
    return `call ${this.id} of ${this.process.name} for "${this.take.name}"`;
  }
}
