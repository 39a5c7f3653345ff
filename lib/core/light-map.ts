/**
 * A map by name for what comes and goes ten thousand times a second: a `Map` of places in a list, since
 * what a `Map` holds itself may stay in memory long after it is deleted (see `Bag`).
 */
export class LightMap<T> {
  private readonly places = new Map<string, number>();
  private readonly values: (T | undefined)[] = [];
  private readonly free: number[] = [];

  get(name: string): T | undefined {
    const place = this.places.get(name);
    return place === undefined ? undefined : this.values[place];
  }

  set(name: string, value: T): void {
    let place = this.places.get(name);
    if (place === undefined) {
      place = this.free.pop() ?? this.values.length;
      this.places.set(name, place);
    }
    this.values[place] = value;
  }

  delete(name: string): void {
    const place = this.places.get(name);
    if (place === undefined) return;
    this.places.delete(name);
    this.values[place] = undefined;
    this.free.push(place);
  }
}
