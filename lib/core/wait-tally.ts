import { WAIT_BUCKETS_MS } from '../stores/report.interface.js';

/** How many callers wait because somebody else has what they want, and how long those took that have ended. */
export class WaitTally {
  waiting = 0;
  sumMs = 0;
  readonly buckets: number[] = Array.from({ length: WAIT_BUCKETS_MS.length + 1 }, () => 0);

  begin(): void {
    this.waiting++;
  }

  end(ms: number): void {
    this.waiting--;
    this.sumMs += ms;
    const bucket = WAIT_BUCKETS_MS.findIndex((bound) => ms <= bound);
    this.buckets[bucket < 0 ? WAIT_BUCKETS_MS.length : bucket]!++;
  }
}
