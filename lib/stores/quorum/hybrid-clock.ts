/** A proposal has to be ahead of every node's TIME still when it arrives. */
const AHEAD_MS = 10;
/** What is further ahead than this of all clocks comes from one that is wrong. */
const MOST_CREDIBLE_MS = 1_000;

/**
 * Makes the tokens that this process proposes: just ahead of the fastest node's TIME, and each higher than
 * all before, so that as a rule every node answers the proposal itself.
 *
 * @see https://cse.buffalo.edu/tech-reports/2014-04.pdf hybrid logical clocks (Kulkarni et al.)
 */
export class HybridClock {
  private last = 0;

  /** @param fastestMs the most that the fastest node's TIME can be now, in ms */
  propose(fastestMs: number): number {
    // What a clock that was wrong has left behind: nodes need no memory of ours to be right.
    if (!isCredible(this.last, fastestMs)) this.last = 0;
    this.last = Math.max(this.last + 1, Math.ceil((fastestMs + AHEAD_MS) * 1_000));
    return this.last;
  }

  /** A node has given this token: counters that have run ahead of the clocks are followed. */
  observe(token: number, fastestMs: number): void {
    if (token > this.last && isCredible(token, fastestMs)) this.last = token;
  }
}

const isCredible = (token: number, fastestMs: number): boolean =>
  token < (fastestMs + MOST_CREDIBLE_MS) * 1_000;
