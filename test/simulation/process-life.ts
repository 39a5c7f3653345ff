import type { Agenda } from './agenda.js';

/** Whether the code of a process runs, stands still for a while, or never runs again. */
export class ProcessLife {
  isCrashed = false;
  isStopped = false;
  /** When it went on for the last time. */
  resumedAt = 0;
  private timers: (() => void)[] = [];
  private received: (() => void)[] = [];
  private stops = 0;

  constructor(
    private readonly agenda: Agenda,
    private readonly random: () => number,
  ) {}

  /** Whether its code runs: else nothing is done by it, nor believed. */
  get isRunning(): boolean {
    return !this.isCrashed && !this.isStopped;
  }

  /** Does it as soon as it runs. */
  perform(task: () => void, from: 'timers' | 'received' = 'received'): void {
    if (this.isCrashed) return;
    if (this.isStopped) this[from].push(task);
    else task();
  }

  stop(ms: number): void {
    this.isStopped = true;
    const stop = ++this.stops;
    this.agenda.in(ms, () => {
      if (stop === this.stops) this.resume();
    });
  }

  resume(): void {
    if (!this.isStopped) return;
    this.isStopped = false;
    this.resumedAt = this.agenda.now;
    const { timers, received } = this;
    this.timers = [];
    this.received = [];
    const missed = this.random() < 0.5 ? [...timers, ...received] : [...received, ...timers];
    for (const task of missed) this.agenda.in(0, () => this.perform(task));
  }

  crash(): void {
    this.isCrashed = true;
  }
}
