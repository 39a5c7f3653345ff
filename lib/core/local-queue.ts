import type { LockStoreError } from '../lock.errors.js';
import type { LeaseRecord } from '../stores/lock-store.interface.js';

/** What the store said when it was last asked for a name: who holds it, or nothing. */
export type LastAnswer = LeaseRecord | LockStoreError | undefined;

/** The callers that wait for one name, and what all of them know. */
interface Line {
  readonly places: Place[];
  lastAnswer: LastAnswer;
}

/** One caller's place in the queue for a name. */
export class Place {
  private callback: (() => void) | undefined;
  private missedWake = false;

  /** @internal */
  constructor(
    private readonly line: Line,
    private readonly onLeave: (place: Place) => void,
  ) {}

  /** True while no caller of this process stands before this one. */
  get isFirst(): boolean {
    return this.line.places[0] === this;
  }

  get lastAnswer(): LastAnswer {
    return this.line.lastAnswer;
  }

  /** Lets those behind know what the store has said. */
  tell(answer: LastAnswer): void {
    this.line.lastAnswer = answer;
  }

  /** Calls back when it is worth asking the store: now first, or the name was given back. */
  onWake(callback: (() => void) | undefined): void {
    this.callback = callback;
    if (callback && this.missedWake) this.wake();
  }

  wake(): void {
    this.missedWake = this.callback === undefined;
    this.callback?.();
  }

  leave(): void {
    this.onLeave(this);
  }
}

/**
 * The callers of this process that wait for a name, first come, first served.
 *
 * Only the first of them asks the store, so that many waiters cost no more than one.
 */
export class LocalQueue {
  private readonly lines = new Map<string, Line>();

  isWaitedFor(name: string): boolean {
    return this.lines.has(name);
  }

  lastAnswer(name: string): LastAnswer {
    return this.lines.get(name)?.lastAnswer;
  }

  enter(name: string): Place {
    const line = this.lines.get(name) ?? { places: [], lastAnswer: undefined };
    this.lines.set(name, line);
    const place = new Place(line, (leaving) => this.leave(name, line, leaving));
    line.places.push(place);
    return place;
  }

  /** The name may have become free: the first caller asks now instead of later. */
  wake(name: string): void {
    this.lines.get(name)?.places[0]?.wake();
  }

  private leave(name: string, { places }: Line, leaving: Place): void {
    const index = places.indexOf(leaving);
    if (index < 0) return;
    places.splice(index, 1);
    if (places.length === 0) this.lines.delete(name);
    else if (index === 0) places[0]!.wake();
  }
}
