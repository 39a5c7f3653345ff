import type { HandOver, HandOverListener } from '../stores/lock-store.interface.js';
import { Alarm } from './alarm.js';
import type { Clock } from './clock.js';
import type { Wait, WaitRegister } from './wait.js';

/** What is due this soon goes along, so that all places of a process are registered in one call. */
const SLACK = 1 / 12;

const MOST_EARLY = 64;

/** All waits of the process: has each one ask again in time, and hands on what the store tells. */
export class WaitList implements WaitRegister, HandOverListener {
  private readonly byOwner = new Map<string, Wait>();
  /** The names that became free last, and when: whoever was asking then may not have been heard of here. */
  private readonly freed: { readonly name: string; readonly at: number }[] = [];
  /** The last hand-overs to owners that do not stand here. */
  private readonly early: HandOver[] = [];
  private readonly alarm: Alarm;

  constructor(
    private readonly clock: Clock,
    readonly onSilence: (reason: Error) => void,
  ) {
    this.alarm = new Alarm(clock, () => this.askDue(), true);
  }

  add(wait: Wait): void {
    this.byOwner.set(wait.owner, wait);
    const early = this.early.find(({ owner }) => owner === wait.owner);
    if (early) return wait.handOver(early);
    const wasFreed = this.freed.some(({ name, at }) => name === wait.name && at >= wait.askedAt);
    if (wasFreed) wait.askSoon();
    this.alarm.by(wait.nextAskAt);
  }

  remove(wait: Wait): void {
    this.byOwner.delete(wait.owner);
    if (this.byOwner.size === 0) this.alarm.clear();
  }

  /** To be called when the time of a wait's next question has changed. */
  reconsider(wait: Wait): void {
    this.alarm.by(wait.nextAskAt);
  }

  onHandOver(handOver: HandOver): void {
    const wait = this.byOwner.get(handOver.owner);
    if (wait) return wait.handOver(handOver);
    // Messages may overtake the answer after which the wait stands here. What nobody waits for any
    // more has been given up by who left.
    this.early.push(handOver);
    if (this.early.length > MOST_EARLY) this.early.shift();
  }

  onFreed(name: string): void {
    for (const wait of this.byOwner.values()) if (wait.name === name) wait.askSoon();
    this.freed.push({ name, at: this.clock.now() });
    if (this.freed.length > MOST_EARLY) this.freed.shift();
  }

  onReconnect(): void {
    for (const wait of this.byOwner.values()) wait.ask();
  }

  private askDue(): void {
    const now = this.clock.now();
    for (const wait of this.byOwner.values()) {
      // Not before a lease has ended, though: that would be for nothing.
      const slackMs = wait.asksAtEndOfLease ? 0 : wait.claimMs * SLACK;
      if (wait.nextAskAt - slackMs <= now) wait.ask();
    }
    let earliest = Infinity;
    for (const wait of this.byOwner.values()) earliest = Math.min(earliest, wait.nextAskAt);
    this.alarm.by(earliest);
  }
}
