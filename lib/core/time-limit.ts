import { Alarm } from './alarm.js';
import type { Clock } from './clock.js';

/** A task with a time limit. */
interface LimitedTask {
  readonly dueAt: number;
  /** Not for longer than it can be called: it keeps alive whatever the task is about. */
  onLate: (() => void) | undefined;
}

/** One time limit for many tasks: as it is the same for all, one timer for the oldest is enough. */
export class TimeLimit {
  /** The oldest first; what is done goes when its turn comes. */
  private tasks: LimitedTask[] = [];
  private first = 0;
  private readonly alarm: Alarm;

  constructor(
    private readonly clock: Clock,
    readonly limitMs: number,
  ) {
    this.alarm = new Alarm(clock, () => this.check());
  }

  /** Calls `onLate` at the limit, unless the task is done by then. */
  start(onLate: () => void): LimitedTask {
    this.forgetDone();
    const task = { dueAt: this.clock.now() + this.limitMs, onLate };
    this.tasks.push(task);
    this.alarm.by(task.dueAt);
    return task;
  }

  done(task: LimitedTask): void {
    task.onLate = undefined;
  }

  private check(): void {
    const now = this.clock.now();
    while (this.first < this.tasks.length && this.tasks[this.first]!.dueAt <= now) {
      const task = this.tasks[this.first++]!;
      const { onLate } = task;
      task.onLate = undefined;
      onLate?.();
    }
    this.forgetDone();
    const next = this.tasks[this.first];
    if (next) this.alarm.by(next.dueAt);
  }

  private forgetDone(): void {
    while (this.first < this.tasks.length && !this.tasks[this.first]!.onLate) this.first++;
    if (this.first === 0 || (this.first < this.tasks.length && this.first < 1_000)) return;
    this.tasks.splice(0, this.first);
    this.first = 0;
  }
}
