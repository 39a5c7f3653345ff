import {
  markerText,
  type NodeAnswer,
  type NodeHello,
  type NodeMarker,
  type NodeReply,
  type NodeStep,
  parseMarker,
} from '../../../lib/stores/quorum/node-port.interface.js';
import { NodeData, type StoredLease } from './node-data.js';
import { isPlainRelease, type StepFaults, type StepScene, takeStep, VOTES } from './node-steps.js';

/** Why a node has no lease any more that it had: a moved clock, or data that are gone, all or one of them. */
export type EndCause = 'clock' | 'data' | 'eviction';

/** What a node tells the simulation, and nobody else. */
export interface NodeWatch {
  /** A lease is gone before its time. */
  onEarlyEnd(name: string, lease: StoredLease, cause: EndCause): void;
  onGiven(name: string, owner: string): void;
  /** It has forgotten, and may vote without having been told what others know. */
  onVotingByTime(): void;
  /** It knows less of the tokens than it did. */
  onForgotten(): void;
}

export interface SimulatedNodeOptions {
  readonly name: string;
  /** The time that no clock of a node or a process can be asked for, in ms. */
  readonly now: () => number;
  /** The node's clock at 0, in µs. */
  readonly startMicros: number;
  /** By which part of the time its clock goes faster, and then slower again. */
  readonly wander: number;
  readonly isDurable: boolean;
  readonly watch?: NodeWatch;
  readonly faults?: StepFaults | undefined;
}

/** So often a node saves what it has, for those that fall back to an older state. */
const CALLS_PER_SNAPSHOT = 7;

/** So long after its delay too few others need be intact. */
const BY_TIME_MS = 3_900;

const WANDER_MS = 4_000;

/** A lease that ends within this of its time has not ended early: no clock goes faster than that. */
const SHORTEST = 0.995;
const ROUNDING_MS = 3;

/** One Redis server in memory: what the scripts of a quorum's node do, and its own wall clock. */
export class SimulatedNode {
  readonly name: string;
  readonly isDurable: boolean;
  /** When its clock was moved, and where it stood against its own time from then on, in ms. */
  readonly steps: { readonly at: number; readonly toMs: number }[] = [];
  data = new NodeData();
  /** A server has a new one with every start. */
  runId: string;
  /** Whether it may have known tokens that it does not know, for all that others can tell, until it votes again. */
  hasForgotten = false;
  /** When it fell back to a snapshot, with leases that may have been released since. */
  restoredMicros = 0;
  private snapshot = new NodeData();
  private calls = 0;
  private restarts = 0;
  private steppedMicros = 0;

  constructor(private readonly options: SimulatedNodeOptions) {
    this.name = options.name;
    this.isDurable = options.isDurable;
    this.runId = `${this.name}-run0`;
  }

  /** TIME, of its own clock. */
  get micros(): number {
    const { now, startMicros, wander } = this.options;
    const time = now();
    // To and fro: clocks that are kept right by others do not go wrong without end.
    const phase = time % (2 * WANDER_MS);
    const ahead = wander * Math.min(phase, 2 * WANDER_MS - phase);
    return startMicros + this.steppedMicros + Math.floor((time + ahead) * 1_000);
  }

  get isVoting(): boolean {
    return this.data.marker?.startsWith(`voting ${this.runId} `) ?? false;
  }

  hello(): NodeHello {
    const { runId, micros, isDurable, data } = this;
    return { runId, micros, markerText: data.marker, isDurable, notices: [] };
  }

  /** The names that became free go to `onFreed`, each as often as it did. */
  take(
    marker: string,
    steps: readonly NodeStep[],
    onFreed: (name: string) => void = () => undefined,
  ): NodeAnswer {
    this.settle();
    const { micros, data } = this;
    const mayVote = data.marker === marker;
    const { faults, now, watch } = this.options;
    const scene: StepScene = {
      data,
      micros,
      onFreed,
      onGiven: (name, owner) => watch?.onGiven(name, owner),
      faults,
      dueIn: (ms) => now() + ms * SHORTEST,
    };
    let isUntimed = steps.length > 0;
    const replies = steps.map((step): NodeReply => {
      isUntimed &&= isPlainRelease(step, data);
      return mayVote || !VOTES.has(step.type) ? takeStep(step, scene) : { type: 'no-vote' };
    });
    return { micros: isUntimed ? 0 : micros, replies };
  }

  mark(expected: string | null, marker: NodeMarker, floor: number): boolean {
    this.settle();
    if (this.data.marker !== expected) return false;
    const former = parseMarker(this.data.marker ?? '');
    const isByTime =
      marker.state === 'voting' &&
      this.hasForgotten &&
      this.micros / 1_000 > (former?.votesFromMs ?? 0) + BY_TIME_MS;
    if (isByTime) this.options.watch?.onVotingByTime();
    this.data.marker = markerText(marker);
    this.data.raiseAll(floor);
    if (marker.state === 'voting') this.hasForgotten = false;
    else if (marker.reason !== 'clock-jump') this.forget();
    return true;
  }

  highestToken(marker: string): number | null {
    this.settle();
    return this.data.marker === marker ? this.data.highest : null;
  }

  /** Moves its clock; what that makes expire is gone, even if the clock is moved back. */
  step(ms: number): void {
    this.expire();
    this.steppedMicros += ms * 1_000;
    if (ms !== 0) this.steps.push({ at: this.options.now(), toMs: this.steppedMicros / 1_000 });
    this.expire();
  }

  /**
   * Its clock is right again. What was written by one that was ahead would last until that time comes again:
   * that is nothing that anybody could mend but by hand.
   */
  setRight(longestMs: number): void {
    const { leases, waiters } = this.data;
    this.step(-this.steppedMicros / 1_000);
    const latest = this.micros / 1_000 + longestMs;
    for (const [name, { endsMs }] of leases) if (endsMs > latest) this.evict(name);
    for (const [name, { endsMs }] of waiters) if (endsMs > latest) waiters.delete(name);
  }

  /** By how much its clock had been moved at a time, in ms. */
  steppedAt(time: number): number {
    return this.steps.findLast(({ at }) => at <= time)?.toMs ?? 0;
  }

  /** FLUSHALL. */
  flush(): void {
    this.replaceData(new NodeData());
  }

  /** One lease is gone, as if the server had run out of memory and evicted it. */
  evict(name: string): void {
    const lease = this.data.leases.get(name);
    if (!lease) return;
    this.data.leases.delete(name);
    this.tellEnd(name, lease, 'eviction');
  }

  restart(keeps: 'all' | 'nothing' | 'a snapshot'): void {
    this.runId = `${this.name}-run${++this.restarts}`;
    if (keeps === 'nothing') this.replaceData(new NodeData());
    if (keeps === 'a snapshot' && !this.isDurable) {
      this.replaceData(this.snapshot.copy());
      this.restoredMicros = this.micros;
    }
    this.snapshot = this.data.copy();
    if (!this.isDurable) this.forget();
  }

  private forget(): void {
    this.hasForgotten = true;
    this.options.watch?.onForgotten();
  }

  private replaceData(data: NodeData): void {
    const { leases } = this.data;
    this.data = data;
    this.forget();
    for (const [name, lease] of leases) {
      if (data.leases.get(name)?.owner !== lease.owner) this.tellEnd(name, lease, 'data');
    }
  }

  /** Before each call. */
  private settle(): void {
    if (++this.calls % CALLS_PER_SNAPSHOT === 0) this.snapshot = this.data.copy();
    this.expire();
  }

  private expire(): void {
    const nowMs = Math.floor(this.micros / 1_000);
    this.data.expire(nowMs, (name, lease) => this.tellEnd(name, lease, 'clock'));
  }

  private tellEnd(name: string, lease: StoredLease, cause: EndCause): void {
    const { now, watch } = this.options;
    if (now() < lease.dueAt - ROUNDING_MS) watch?.onEarlyEnd(name, lease, cause);
  }
}
