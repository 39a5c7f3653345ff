interface Observer {
  users: number;
  readonly stop: () => void;
}

/**
 * One observer for a target, however many modules ask for it: two would count everything twice. A process may have
 * loaded the package twice, so that who observes what is known to all of its copies.
 *
 * @param kind tells observers apart that have nothing to do with each other
 * @param start makes one, and gives what ends it
 */
export class OncePerTarget<Target extends object> {
  private readonly running: WeakMap<Target, Observer>;

  constructor(
    kind: string,
    private readonly start: (target: Target) => () => void,
  ) {
    const shared = globalThis as { [key: symbol]: unknown };
    this.running = (shared[Symbol.for(`nestjs-locker:observers:${kind}`)] ??=
      new WeakMap()) as WeakMap<Target, Observer>;
  }

  /** @returns what gives it up; the last to do so ends it */
  use(target: Target): () => void {
    const observer = this.running.get(target) ?? { users: 0, stop: this.start(target) };
    this.running.set(target, observer);
    observer.users++;
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      if (--observer.users > 0) return;
      this.running.delete(target);
      observer.stop();
    };
  }
}
