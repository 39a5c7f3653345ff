/** Something that is going to happen. */
export interface QueuedEvent {
  readonly at: number;
  /** Of several at one time, the one that was queued first comes first. */
  readonly order: number;
  /** `undefined` once it is called off: it stays in the queue until its turn has come. */
  happen: (() => unknown) | undefined;
}

const isBefore = (a: QueuedEvent, b: QueuedEvent): boolean =>
  a.at < b.at || (a.at === b.at && a.order < b.order);

/** Events by their time: a binary heap, since a simulation does hardly anything but to look for the next one. */
export class EventQueue {
  private readonly heap: QueuedEvent[] = [];
  private orders = 0;

  add(at: number, happen: () => unknown): QueuedEvent {
    const event: QueuedEvent = { at, order: this.orders++, happen };
    this.heap.push(event);
    this.rise(this.heap.length - 1);
    return event;
  }

  /** The next one that has not been called off. */
  peek(): QueuedEvent | undefined {
    while (this.heap[0]?.happen === undefined && this.heap.length > 0) this.shift();
    return this.heap[0];
  }

  shift(): void {
    const last = this.heap.pop();
    if (!last || this.heap.length === 0) return;
    this.heap[0] = last;
    this.sink(0);
  }

  private rise(place: number): void {
    const { heap } = this;
    const event = heap[place]!;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (!isBefore(event, heap[parent]!)) break;
      heap[place] = heap[parent]!;
      place = parent;
    }
    heap[place] = event;
  }

  private sink(place: number): void {
    const { heap } = this;
    const event = heap[place]!;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (!isBefore(heap[child]!, event)) break;
      heap[place] = heap[child]!;
      place = child;
    }
    heap[place] = event;
  }
}
