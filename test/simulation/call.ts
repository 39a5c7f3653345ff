import type { Lock } from 'nestjs-locker';
import type { Take } from './schedule.js';
import type { SimulatedProcess } from './simulated-process.js';

/** One caller: what it asks for, and what has become of it. */
export class Call {
  readonly cancelling = new AbortController();
  lock: Lock | undefined;
  outcome: string | undefined;
  settledAt = Infinity;

  constructor(
    readonly id: number,
    readonly process: SimulatedProcess,
    readonly take: Take,
    readonly names: readonly string[],
    /** From when on its process was able to ask. */
    readonly calledAt: number,
  ) {}

  get isOver(): boolean {
    return this.process.isCrashed || (this.outcome !== undefined && !this.lock) || this.isReleased;
  }

  /** Whether it believes to hold what it asked for: only a process that runs believes anything. */
  get believesToHold(): boolean {
    return this.process.isRunning && this.lock !== undefined && this.lock.isHeld;
  }

  tokenOf(name: string): number {
    return this.lock!.fencingTokens.get(name)!;
  }

  /** Of a name: 0 for all there is. */
  get units(): number {
    return this.take.isShared ? 1 : 0;
  }

  get title(): string {
    return `call ${this.id} of ${this.process.name} for ${this.names.join('+')}`;
  }

  private get isReleased(): boolean {
    return this.lock?.isReleased ?? false;
  }
}
