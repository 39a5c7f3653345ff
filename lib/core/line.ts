import type { LockStoreError } from '../lock.errors.js';
import { Alarm } from './alarm.js';
import type { Clock } from './clock.js';
import type { Lease, LeaseGrant } from './lease.js';
import type { Wait, WaitAnswer, WaitListener, WaitRequest } from './wait.js';

/** A caller of this process that waits for a name. */
export interface Caller {
  readonly ttlMs: number;
  /** Whether it can do with the lease that another caller had. */
  readonly takesPassedLease: boolean;
  /** When its wait ends. */
  readonly waitsUntil: number;
  /** A lease of its own; others of this process may have it next. */
  begin(grant: LeaseGrant, passesLeft: number): void;
  /** The lease of the caller before. */
  takeOver(lease: Lease): void;
  refuse(error: LockStoreError): void;
  timeOut(answer: WaitAnswer | undefined): void;
  tellPlace(place: number): void;
}

/** What a line asks of its process. */
export interface LineTools {
  readonly clock: Clock;
  startWait(request: WaitRequest, listener: WaitListener): Wait;
  /** The exclusive lease that this process has of a name. */
  leaseOf(name: string): Lease | undefined;
  giveBack(grant: LeaseGrant): void;
}

/**
 * The callers of this process that wait for one exclusive lock, first come, first served.
 *
 * They stand in the store's queue as one: when their turn has come, the lease passes from one to the
 * next without asking the store. If others wait outside, it goes only to those who were there when
 * the turn began.
 */
export class Line implements WaitListener {
  private readonly callers: Caller[] = [];
  private alarm: Alarm | undefined;
  private wait: Wait | undefined;

  constructor(
    readonly name: string,
    private readonly tools: LineTools,
    private readonly onEmpty: (line: Line) => void,
  ) {}

  get hasFollowers(): boolean {
    return this.callers.length > 1;
  }

  get lastAnswer(): WaitAnswer | undefined {
    return this.wait?.lastAnswer;
  }

  enter(caller: Caller): void {
    this.callers.push(caller);
    this.advance();
    // Before the first answer it may be free: then nobody's time has to run.
    if (this.wait && !this.lastAnswer) return;
    this.wakeBy(caller.waitsUntil);
    caller.tellPlace(this.firstPlace + this.callers.length - 1);
  }

  leave(caller: Caller): void {
    const index = this.callers.indexOf(caller);
    if (index < 0) return;
    this.callers.splice(index, 1);
    if (this.callers.length === 0) this.close();
    else this.tellPlaces();
  }

  /** Gives the lease that a caller has done with to the next one, if it may have it. */
  pass(lease: Lease): boolean {
    const [next] = this.callers;
    if (!next?.takesPassedLease || next.ttlMs !== lease.ttlMs) return false;
    if (!lease.mayPass()) return false;
    this.callers.shift();
    next.takeOver(lease);
    if (this.callers.length === 0) this.close();
    return true;
  }

  /**
   * Stands in the store's queue from now on. For as long as a turn of this process may last, that can
   * wait: as a rule it has ended by then, and queueing up travels with the release.
   */
  advance(): void {
    const [first] = this.callers;
    if (!first || this.wait) return;
    const own = this.tools.leaseOf(this.name);
    if (own?.isHeld && own.turnEndsAt > this.tools.clock.now()) {
      this.wakeBy(own.turnEndsAt);
      return;
    }
    const { name } = this;
    const { ttlMs } = first;
    this.wait = this.tools.startWait({ name, kind: 'lock', units: 0, permits: 0, ttlMs }, this);
  }

  granted(grant: LeaseGrant): void {
    this.wait = undefined;
    const next = this.callers.shift();
    if (!next) return this.tools.giveBack(grant);
    next.begin(grant, grant.isWaitedFor ? this.callers.length : Infinity);
    if (this.callers.length === 0) this.close();
    else this.advance();
  }

  answered(): void {
    for (const { waitsUntil } of this.callers) this.wakeBy(waitsUntil);
    this.tellPlaces();
    this.refuseLate();
  }

  failed(error: LockStoreError): void {
    this.wait = undefined;
    const callers = this.callers.splice(0);
    this.close();
    for (const caller of callers) caller.refuse(error);
  }

  private tellPlaces(): void {
    const { firstPlace } = this;
    // Whoever is told may leave.
    [...this.callers].forEach((caller, i) => caller.tellPlace(firstPlace + i));
  }

  private get firstPlace(): number {
    const answer = this.lastAnswer;
    return answer && 'place' in answer ? Math.max(answer.place, 1) : 1;
  }

  private wakeBy(time: number): void {
    this.alarm ??= new Alarm(this.tools.clock, () => this.onAlarm(), true);
    this.alarm.by(time);
  }

  private onAlarm(): void {
    this.refuseLate();
    this.advance();
    let earliest = Infinity;
    for (const { waitsUntil } of this.callers) earliest = Math.min(earliest, waitsUntil);
    // Whose time is over already waits for the first answer only.
    if (earliest > this.tools.clock.now()) this.wakeBy(earliest);
  }

  private refuseLate(): void {
    // Before the first answer "busy" would be a guess; that answer has a time limit of its own.
    if (this.wait && !this.lastAnswer) return;
    const now = this.tools.clock.now();
    const answer = this.lastAnswer;
    for (const caller of this.callers.filter(({ waitsUntil }) => waitsUntil <= now)) {
      this.leave(caller);
      caller.timeOut(answer);
    }
  }

  private close(): void {
    this.alarm?.clear();
    const { wait } = this;
    this.wait = undefined;
    wait?.stop();
    this.onEmpty(this);
  }
}
