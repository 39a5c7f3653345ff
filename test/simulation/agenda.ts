import type { Clock, Timer } from 'nestjs-locker';

interface Event {
  readonly at: number;
  readonly happen: () => unknown;
}

const nextTurn = setImmediate;

/** Batches leave at the end of a turn, so that one turn is not enough. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => nextTurn(resolve));
}

/** All that is going to happen in a world, in the order of its only time: seen from outside. */
export class Agenda {
  now = 0;
  private readonly events = new Set<Event>();

  constructor(private readonly afterEach: () => void) {}

  in(ms: number, happen: () => unknown): Timer {
    return this.at(this.now + ms, happen);
  }

  at(time: number, happen: () => unknown): Timer {
    const event = { at: Math.max(time, this.now), happen };
    this.events.add(event);
    return { clear: () => this.events.delete(event) };
  }

  /** Lets the time pass: what an event starts has settled before the next one. */
  async pass(ms: number, isEnough = (): boolean => false): Promise<void> {
    const until = this.now + ms;
    await settled();
    this.afterEach();
    for (let next = this.nextBy(until); next && !isEnough(); next = this.nextBy(until)) {
      this.events.delete(next);
      this.now = next.at;
      await next.happen();
      await settled();
      this.afterEach();
    }
    if (!isEnough()) this.now = until;
  }

  private nextBy(time: number): Event | undefined {
    let next: Event | undefined;
    for (const event of this.events) {
      if (event.at <= time && (!next || event.at < next.at)) next = event;
    }
    return next;
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
