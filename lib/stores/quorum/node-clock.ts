/** Clocks may differ in rate by so much (the drift that every lease allows for). */
const RATE_TOLERANCE = 0.01;
/** TIME has microseconds, but two looks at a clock are not taken at once. */
const GRANULARITY_MS = 1;
/** A smaller step is within what the drift of a lease allows for. */
const SMALLEST_JUMP_MS = 5;

/**
 * What is known of a node's wall clock against this process's monotonic one.
 *
 * Each answer was made between its question and its arrival, so that it bounds the offset from both
 * sides; bounds that exclude each other show that the node's clock was stepped.
 */
export class NodeClock {
  /** Node time less own time, in ms, lies between these; as of `seenAt`. */
  private least = -Infinity;
  private most = Infinity;
  private seenAt = -Infinity;

  get isKnown(): boolean {
    return this.most !== Infinity;
  }

  /** What is known of it says nothing any more. */
  forget(): void {
    this.set(-Infinity, Infinity, -Infinity);
  }

  /** The most that it can be ahead of this process's clock, in ms. */
  get mostAhead(): number {
    return this.most;
  }

  get offsetMs(): number {
    return (this.least + this.most) / 2;
  }

  /** The node's time in ms, as far as it is known. */
  timeAt(now: number): number {
    return this.offsetMs + now;
  }

  /**
   * Learns from an answer with the node's TIME.
   *
   * @returns by how many ms the node's clock has jumped since the last answer, 0 if it has not
   */
  observe(sentAt: number, receivedAt: number, micros: number): number {
    const time = micros / 1_000;
    const least = time - receivedAt;
    const most = time - sentAt;
    // Answers may come in another order than they were made.
    const slack = Math.abs(receivedAt - this.seenAt) * RATE_TOLERANCE + GRANULARITY_MS;
    const before = { least: this.least - slack, most: this.most + slack };
    const jump = least > before.most ? least - before.most : Math.min(0, most - before.least);
    if (Math.abs(jump) >= SMALLEST_JUMP_MS) {
      this.set(least, most, receivedAt);
      return jump;
    }
    // Where rounding alone makes them miss each other, the latest is right.
    const isJoint = least <= before.most && most >= before.least;
    this.set(
      isJoint ? Math.max(least, before.least) : least,
      isJoint ? Math.min(most, before.most) : most,
      Math.max(this.seenAt, receivedAt),
    );
    return 0;
  }

  private set(least: number, most: number, seenAt: number): void {
    this.least = least;
    this.most = most;
    this.seenAt = seenAt;
  }
}
