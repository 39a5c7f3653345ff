import type { OutcomeUnknownEvent } from './core/lock-events.js';

const MOST_REMEMBERED = 10_000;

/** Which attempts were told that are held back: they are met with every run of their job. */
export class ToldOnce {
  private readonly attempts = new Set<string>();

  /** True the first time only. */
  isNew({ name, record }: OutcomeUnknownEvent): boolean {
    const attempt = `${name} ${record.attempts.at(-1)?.fencingToken}`;
    if (this.attempts.has(attempt)) return false;
    if (this.attempts.size >= MOST_REMEMBERED) this.attempts.clear();
    this.attempts.add(attempt);
    return true;
  }
}
