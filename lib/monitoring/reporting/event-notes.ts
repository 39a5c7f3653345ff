import type { LockEvent } from '../../core/lock-events.js';
import { eventTextOf } from '../../lock-event-text.js';
import type { Holder } from '../../stores/lock-store.interface.js';
import type { ToldEvent } from '../../stores/report.interface.js';
import { ToldOnce } from '../../told-once.js';

/** Of one report; an outage may cost thousands of locks at once. */
const MOST_EVENTS = 100;
const LONGEST_TEXT = 2_000;

/** The events of one process that everybody shall see, until they are told. */
export class EventNotes {
  private pending: ToldEvent[] = [];
  private readonly left = new Map<string, number>();
  private readonly heldBack = new ToldOnce();
  private count = 0;

  /** @param id of the process: each event has an id of its own, so that it counts once, however often it is told */
  constructor(
    private readonly id: string,
    private readonly process: Holder,
  ) {}

  get size(): number {
    return this.pending.length;
  }

  note(event: LockEvent): void {
    if (!this.isNotable(event)) return;
    const { type } = event;
    if (this.pending.length >= MOST_EVENTS) {
      this.left.set(type, (this.left.get(type) ?? 0) + 1);
      return;
    }
    const told = eventTextOf(event);
    if (told) this.add(type, told.text, 'name' in event ? event.name : undefined);
  }

  /** All that is to be told, which is not kept any more. */
  take(): ToldEvent[] {
    if (this.pending.length <= MOST_EVENTS) {
      for (const [type, count] of this.left) this.add(type, `And ${count} more of this kind.`);
      this.left.clear();
    }
    const { pending } = this;
    this.pending = [];
    return pending;
  }

  /** Nobody knows whether they were told. */
  putBack(events: readonly ToldEvent[]): void {
    this.pending = [...events, ...this.pending];
  }

  private add(type: string, text: string, name?: string): void {
    const { process } = this;
    const id = `${this.id}:${++this.count}`;
    const event = { id, at: new Date(), process, type, text: text.slice(0, LONGEST_TEXT) };
    this.pending.push(name === undefined ? event : { ...event, name });
  }

  private isNotable(event: LockEvent): boolean {
    switch (event.type) {
      case 'lost':
      case 'forced':
      case 'release-failed':
      case 'leaked':
      case 'compensation-failed':
      case 'node':
      case 'permits-changed':
      case 'polling':
        return true;
      case 'processed':
        return event.isLate;
      case 'outcome-unknown':
        return event.decision === 'hold' && this.heldBack.isNew(event);
      default:
        return false;
    }
  }
}
