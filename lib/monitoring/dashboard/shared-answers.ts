import { performance } from 'node:perf_hooks';

const MOST_KEPT = 200;

interface Kept {
  readonly answer: Promise<unknown>;
  /** Until when it is fresh; while it is asked for, for ever. */
  freshUntil: number;
}

/**
 * Asks each question once for all who look at the page, and one at a time: an answer, or that there is none,
 * is kept for a while. Where nobody looks, nothing is asked.
 */
export class SharedAnswers {
  private readonly kept = new Map<string, Kept>();

  constructor(
    private readonly keptForMs: number,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** @param rest for how many times as long as it took to get it an answer is kept, for what is laborious */
  get<T>(question: string, ask: () => Promise<T>, rest = 0): Promise<T> {
    const former = this.kept.get(question);
    const askedAt = this.now();
    if (former && askedAt < former.freshUntil) return former.answer as Promise<T>;
    const answer = ask();
    const kept: Kept = { answer, freshUntil: Infinity };
    answer.then(
      () => {
        const restMs = (this.now() - askedAt) * rest;
        kept.freshUntil = askedAt + Math.max(this.keptForMs, restMs);
      },
      // After an outage it is asked again soon, however long it took to fail.
      () => (kept.freshUntil = this.now() + this.keptForMs),
    );
    this.kept.delete(question); // to its end: the first is the oldest
    this.kept.set(question, kept);
    if (this.kept.size > MOST_KEPT) this.kept.delete(this.kept.keys().next().value!);
    return answer;
  }

  /** After something was done: what was known may not be so any more. */
  clear(): void {
    this.kept.clear();
  }
}
