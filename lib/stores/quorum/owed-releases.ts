import type { Clock } from '../../core/clock.js';
import type { ReleaseStep } from './node-port.interface.js';

/** More would be a node that is gone for good. */
const MOST_OWED = 10_000;

/** Releases that a node could not be told, until the leases have ended by themselves. */
export class OwedReleases {
  private readonly steps = new Map<
    string,
    { readonly step: ReleaseStep; readonly until: number }
  >();

  constructor(
    private readonly clock: Clock,
    /** How long a lease may last. */
    private readonly maxTtlMs: number,
  ) {}

  add(step: ReleaseStep): void {
    const key = `${step.owner} ${step.name}`;
    const former = this.steps.get(key);
    // Who leaves gives up more than who has failed.
    if (former && (former.step.leaves || !step.leaves)) return;
    this.steps.set(key, { step, until: this.clock.now() + this.maxTtlMs });
    if (this.steps.size > MOST_OWED) this.steps.delete(this.steps.keys().next().value!);
  }

  get isEmpty(): boolean {
    return this.steps.size === 0;
  }

  take(): ReleaseStep[] {
    const now = this.clock.now();
    const due = [...this.steps.values()].filter(({ until }) => until > now);
    this.steps.clear();
    return due.map(({ step }) => step);
  }
}
