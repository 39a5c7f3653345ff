/** What can lie in a `Bag`: one at a time. */
export interface Bagged {
  /** Where it lies; the bag's. */
  bagIndex: number;
}

/**
 * A set for what comes and goes ten thousand times a second.
 *
 * A `Set` that changes so often is a burden for V8's collector: each of its former tables refers to the
 * next one, so that once one has grown old, whatever lay in the later ones stays until a full collection.
 *
 * @see https://github.com/v8/v8/blob/main/src/objects/ordered-hash-table.h
 */
export class Bag<T extends Bagged> implements Iterable<T> {
  private readonly items: T[] = [];

  get size(): number {
    return this.items.length;
  }

  has(item: T): boolean {
    return this.items[item.bagIndex] === item;
  }

  add(item: T): void {
    item.bagIndex = this.items.length;
    this.items.push(item);
  }

  delete(item: T): void {
    if (!this.has(item)) return;
    const last = this.items.pop()!;
    if (last === item) return;
    last.bagIndex = item.bagIndex;
    this.items[item.bagIndex] = last;
  }

  /** In no order; goes through those that are in it now, whatever is added or deleted meanwhile. */
  [Symbol.iterator](): IterableIterator<T> {
    return [...this.items][Symbol.iterator]();
  }
}
