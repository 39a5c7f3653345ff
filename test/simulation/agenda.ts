import type { Clock, Timer } from 'nestjs-locker';
import { EventQueue, type QueuedEvent } from './event-queue.js';

const nextTurn = setImmediate;

/** Batches leave at the end of a turn, so that one turn is not enough. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => nextTurn(resolve));
}

/** What nothing of a process runs at: whatever it starts comes with a later event. */
export const OUTSIDE = Symbol('outside');

/** All that is going to happen in a world, in the order of its only time: seen from outside. */
export class Agenda {
  now = 0;
  private readonly events = new EventQueue();

  constructor(private readonly afterEach: () => void) {}

  in(ms: number, happen: () => unknown): Timer {
    return this.at(this.now + ms, happen);
  }

  /** @param happen may return `OUTSIDE`, so that nobody waits for what it starts */
  at(time: number, happen: () => unknown): Timer {
    const event = this.events.add(Math.max(time, this.now), happen);
    return { clear: () => (event.happen = undefined) };
  }

  /** Lets the time pass: what an event starts has settled before the next one. */
  async pass(ms: number, isEnough = (): boolean => false): Promise<void> {
    const until = this.now + ms;
    await settled();
    this.afterEach();
    for (let next = this.nextBy(until); next && !isEnough(); next = this.nextBy(until)) {
      this.events.shift();
      this.now = next.at;
      const outcome = next.happen!();
      if (outcome === OUTSIDE) continue;
      await outcome;
      await settled();
      this.afterEach();
    }
    if (!isEnough()) this.now = until;
  }

  private nextBy(time: number): QueuedEvent | undefined {
    const next = this.events.peek();
    return next && next.at <= time ? next : undefined;
  }
}

/** As Node's timers do, none comes sooner; nor is one early by a rounding error. */
const SHORTEST_TIMEOUT_MS = 1;
const ROUNDING_MS = 0.001;

/**
 * A process's own clock, which goes a little faster or slower than others do. (A `ManualClock` passes
 * its time alone: here the timers of all processes come in one order.)
 */
export class ProcessClock implements Clock {
  constructor(
    private readonly agenda: Agenda,
    private readonly rate: number,
    /** Has it done by the process, as soon as that is able to. */
    private readonly perform: (task: () => void) => void,
  ) {}

  now(): number {
    return this.agenda.now * this.rate;
  }

  setTimer(callback: () => void, delayMs: number): Timer {
    let isCleared = false;
    const inMs = Math.max(SHORTEST_TIMEOUT_MS, delayMs / this.rate + ROUNDING_MS);
    const timer = this.agenda.in(inMs, () => this.perform(() => void (isCleared || callback())));
    return {
      clear: () => {
        isCleared = true;
        timer.clear();
      },
    };
  }
}
