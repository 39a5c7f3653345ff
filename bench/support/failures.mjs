/** Counts what a contestant throws, by its message. */
export class Failures {
  #counts = new Map();

  add(error) {
    const message = String(error?.message ?? error)
      .replace(/\s+/g, ' ')
      .replace(/\d+/g, '#')
      .slice(0, 80);
    this.#counts.set(message, (this.#counts.get(message) ?? 0) + 1);
  }

  toJSON() {
    return Object.fromEntries(this.#counts);
  }
}
