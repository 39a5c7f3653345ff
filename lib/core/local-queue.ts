/** One caller's place in the queue for a name. */
export class Place {
  private callback: (() => void) | undefined;
  private missedWake = false;

  /** @internal */
  constructor(
    private readonly callers: readonly Place[],
    private readonly onLeave: (place: Place) => void,
  ) {}

  /** True while no caller of this process stands before this one. */
  get isFirst(): boolean {
    return this.callers[0] === this;
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
  private readonly queues = new Map<string, Place[]>();

  isWaitedFor(name: string): boolean {
    return this.queues.has(name);
  }

  enter(name: string): Place {
    let places = this.queues.get(name);
    if (!places) this.queues.set(name, (places = []));
    const place = new Place(places, (leaving) => this.leave(name, places, leaving));
    places.push(place);
    return place;
  }

  /** The name may have become free: the first caller asks now instead of later. */
  wake(name: string): void {
    this.queues.get(name)?.[0]?.wake();
  }

  private leave(name: string, places: Place[], leaving: Place): void {
    const index = places.indexOf(leaving);
    if (index < 0) return;
    places.splice(index, 1);
    if (places.length === 0) this.queues.delete(name);
    else if (index === 0) places[0]!.wake();
  }
}
