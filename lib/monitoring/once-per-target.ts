/**
 * One observer for a target, however many modules ask for it: two would count everything twice.
 *
 * @param start makes it, and gives what ends it
 */
export class OncePerTarget<Target extends object> {
  private readonly running = new WeakMap<Target, { users: number; stop: () => void }>();

  constructor(private readonly start: (target: Target) => () => void) {}

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
