import { LockReleasedError, type LockLostError } from '../lock.errors.js';
import type { Holding, Tenure } from './tenure.js';

/** The tenures of several names under one lock: what one of them loses, all have lost. */
export class TenureGroup implements Holding {
  private controller: AbortController | undefined;

  constructor(readonly tenures: readonly Tenure[]) {}

  get name(): string {
    return this.tenures.map(({ name }) => name).join(', ');
  }

  get isHeld(): boolean {
    return this.tenures.every((tenure) => tenure.isHeld);
  }

  /** Several names are never taken for that. */
  get isOnce(): boolean {
    return false;
  }

  get isReleased(): boolean {
    return this.tenures.every((tenure) => tenure.isReleased);
  }

  get loss(): LockLostError | undefined {
    for (const { loss } of this.tenures) if (loss) return loss;
    return undefined;
  }

  get remainingMs(): number {
    return Math.min(...this.tenures.map(({ remainingMs }) => remainingMs));
  }

  get signal(): AbortSignal {
    const { loss } = this; // aborts the signal that there is, should a deadline have passed
    if (!this.controller) {
      const controller = new AbortController();
      this.controller = controller;
      if (loss) controller.abort(loss);
      for (const { signal } of this.tenures) {
        signal.addEventListener('abort', () => controller.abort(signal.reason), { once: true });
      }
    }
    return this.controller.signal;
  }

  assertHeld(): void {
    if (this.isHeld) return;
    throw this.loss ?? new LockReleasedError(this.name);
  }
}
