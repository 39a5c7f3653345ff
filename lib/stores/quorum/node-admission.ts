import { type Clock, driftOf, type Timer } from '../../core/clock.js';
import {
  markerText,
  MOST_AHEAD_MICROS,
  type NodeHello,
  type NodeMarker,
  parseMarker,
  type QuarantineReason,
} from './node-port.interface.js';
import type { QuorumNode } from './quorum-node.js';

/** Between two looks at a node that is not ready yet. */
const PAUSE_MS = 250;
/** Between two looks at a node in quarantine: somebody else may end it sooner. */
const LOOK_MS = 1_000;
/** Who founds a quorum marks all its nodes within this time, once all of them are up. */
export const FOUNDING_MS = 5_000;
const ALL_UP_MS = 60_000;
/** Less may be the drift of a clock that is kept right. */
const SET_BACK_MS = 100;
/** No token is further ahead of any clock. */
const PAST_ALL_MS = (2 * MOST_AHEAD_MICROS) / 1_000;

/**
 * What a node is to a quorum.
 *
 * - `unreachable`: no connection stands, or it has not said yet who it is.
 * - `blank`: it has no marker, and may be part of a first deployment.
 * - `quarantined`: its memory of votes, or its clock, cannot be relied on yet.
 * - `voting`: it votes.
 */
export type NodeStanding = 'unreachable' | 'blank' | 'quarantined' | 'voting';

/** Whether a blank node may vote at once; `wait` while somebody else may be founding, `incomplete` while some are down. */
export type Founding = 'yes' | 'no' | 'wait' | 'incomplete';

/** The highest token that others know; `isSure` if those are enough for no later one to have been given. */
export interface HighestToken {
  readonly token: number;
  readonly isSure: boolean;
}

export interface CopyTerms {
  /**
   * Whether time alone would tell by now. Then too few others are enough, and what it has forgotten is forgotten; nor
   * need it wait for those that give no answer.
   */
  readonly isPastAll: boolean;
  /** Asked with every step: `false` if it is of no use any more. */
  goesOn(): boolean;
}

/** What the admission of one node has to ask of the others. */
export interface AdmissionTools {
  readonly clock: Clock;
  readonly maxTtlMs: number;
  readonly timeoutMs: number;
  /** It takes nodes as others have marked them, and changes nothing there. */
  readonly isObserver: boolean;
  /** The largest ttl that any client uses, as the other nodes have it now. */
  largestTtlMs(node: QuorumNode): Promise<number>;
  /** Blank nodes of a first deployment vote at once: asks the others whether it is one. */
  mayFound(node: QuorumNode, runId: string): Promise<Founding>;
  /** What the others know that have forgotten nothing; it is sure if they are as many as a majority. */
  highestTokenOfOthers(node: QuorumNode): Promise<HighestToken>;
  /** Gives it what they know of all that is done once; why not, if that has failed and is to be tried again. */
  copyOutcomes(node: QuorumNode, marker: NodeMarker, how: CopyTerms): Promise<Error | undefined>;
  /** What the clocks of most nodes show now, in ms, between these; `null` while too few are known. */
  mostNodesTime(): { readonly least: number; readonly most: number } | null;
  /** A TIME has been told. */
  observed(): void;
  /** Its clock does not fit what was known of it. */
  jumped(node: QuorumNode): void;
  /** It has said who it is. @throws if it cannot be a node */
  identified(node: QuorumNode, hello: NodeHello): void;
  changed(node: QuorumNode): void;
}

/**
 * Decides whether a node may vote: looks at it on every new connection, before anything else.
 *
 * A node that came back without its data has forgotten votes: it is kept from voting until every lease
 * that rests on them has ended, and then learns the highest token that others know. That is written on the
 * node itself, so that clients without this history keep to it.
 */
export class NodeAdmission {
  standing: NodeStanding = 'unreachable';
  marker: NodeMarker | null = null;
  /** Why it cannot be a node, or why it does not answer. */
  problem: Error | undefined;
  /** Why it cannot be told what it has to know before it votes. */
  hindrance: Error | undefined;
  notices: readonly string[] = [];
  /** Its clock was seen to jump. */
  private hasJumped = false;
  private blankSince: number | undefined;
  /** The note by which it is kept from voting, and since when this process knows of it, by its own clock. */
  private seen: { readonly text: string; readonly at: number } | undefined;
  /** A later look makes the ones before void. */
  private look = 0;
  private timer: Timer | undefined;
  private isClosed = false;

  constructor(
    private readonly node: QuorumNode,
    private readonly tools: AdmissionTools,
  ) {}

  opened(): void {
    this.node.isOpen = true;
    this.greet();
  }

  closed(reason: Error | undefined): void {
    this.node.isOpen = false;
    this.look++;
    this.timer?.clear();
    this.problem = reason ?? this.problem;
    this.become('unreachable', null);
  }

  /** For good. */
  end(): void {
    this.isClosed = true;
    this.closed(undefined);
  }

  /** Its clock was seen to jump: it is kept from voting until the leases that rest on it have ended. */
  jumped(): void {
    this.hasJumped = true;
    this.greet();
  }

  /** Asks who it is, and decides anew; again and again until that has been answered. */
  greet(): void {
    const look = ++this.look;
    this.timer?.clear();
    if (!this.node.isOpen || this.isClosed) return;
    const isCurrent = (): boolean => look === this.look;
    this.goOn();
    const sentAt = this.tools.clock.now();
    this.node.port.hello().then(
      (hello) => {
        if (!isCurrent()) return;
        this.problem = undefined;
        this.notices = hello.notices;
        this.node.heard();
        const jump = this.node.time.observe(sentAt, this.tools.clock.now(), hello.micros);
        if (jump !== 0) this.tools.jumped(this.node);
        this.tools.observed();
        // By a clock that is suspected nothing is decided; who suspects it has it looked at anew.
        if (this.node.isSuspect) return;
        this.judge(hello, isCurrent).catch((error: Error) => isCurrent() && this.fail(error));
      },
      (error: Error) => isCurrent() && this.fail(error),
    );
  }

  private fail(error: Error): void {
    this.problem = error;
    this.become('unreachable', null);
    this.againIn(PAUSE_MS);
  }

  /** The look takes another question, which may remain unanswered. */
  private goOn(): void {
    this.againIn(this.tools.timeoutMs + PAUSE_MS);
  }

  private againIn(ms: number): void {
    this.timer?.clear();
    this.timer = this.tools.clock.setTimer(() => this.greet(), ms);
  }

  private async judge(hello: NodeHello, isCurrent: () => boolean): Promise<void> {
    this.tools.identified(this.node, hello);
    const { markerText: text, runId } = hello;
    const marker = text === null ? null : parseMarker(text);
    if (this.tools.isObserver) return this.observe(marker, runId);
    const { maxTtlMs } = this.tools;
    const nowMs = Math.floor(hello.micros / 1_000);
    const write = (to: NodeMarker, floor = 0): Promise<void> =>
      this.write(text, to, floor, isCurrent);
    const quarantine = async (reason: QuarantineReason): Promise<void> => {
      // Others may have come with a longer one since this process looked last.
      this.goOn();
      const largestTtlMs = await this.tools.largestTtlMs(this.node);
      if (isCurrent()) await write(this.quarantineOf(hello, marker, reason, largestTtlMs));
    };

    if (!marker) {
      this.marker = null;
      if (text !== null) return quarantine('emptied'); // somebody else's key
      return this.judgeBlank(hello, isCurrent, () => quarantine('emptied'));
    }
    this.blankSince = undefined;
    if (marker.runId !== runId) {
      if (!marker.isDurable || !hello.isDurable) return quarantine('restarted');
      return write({ ...marker, runId });
    }
    const { state, reason } = marker;
    if (isFromAnotherClock(marker, nowMs)) {
      return quarantine(reason === 'first' ? 'clock-jump' : reason);
    }
    if (this.hasJumped) {
      // The end of a quarantine may be counted by the clocks that jumped: it begins anew.
      return quarantine(state === 'voting' || reason === 'first' ? 'clock-jump' : reason);
    }
    const { isDurable = marker.isDurable } = hello;
    if (marker.maxTtlMs < maxTtlMs || marker.isDurable !== isDurable) {
      const most = Math.max(marker.maxTtlMs, maxTtlMs);
      const votesFromMs =
        marker.state === 'voting'
          ? 0
          : marker.votesFromMs + delayFor(most) - delayFor(marker.maxTtlMs);
      return write({ ...marker, maxTtlMs: most, votesFromMs, isDurable });
    }
    if (marker.state === 'voting') return this.settle(marker);
    this.become('quarantined', marker);
    if (!this.isOver(marker, nowMs)) {
      const byMost = marker.isByMost ? null : this.tools.mostNodesTime();
      if (byMost) {
        const leastMs = Math.ceil(byMost.most) + delayFor(marker.maxTtlMs);
        const votesFromMs = Math.max(marker.votesFromMs, leastMs);
        return write({ ...marker, votesFromMs, isByMost: true });
      }
      const byItsClock = marker.votesFromMs - nowMs;
      const pauseMs = byItsClock > 0 ? Math.min(byItsClock, LOOK_MS) : PAUSE_MS;
      return this.againIn(Math.min(pauseMs, this.quarantineLeftMs()) + 1);
    }
    this.goOn();
    const floor = await this.catchUp(marker, nowMs);
    if (!isCurrent()) return;
    if (floor === null) return this.againIn(PAUSE_MS);
    const hindrance = await this.tools.copyOutcomes(this.node, marker, {
      isPastAll: this.isPastAll(marker, nowMs),
      goesOn: () => {
        const goesOn = isCurrent();
        if (goesOn) this.goOn();
        return goesOn;
      },
    });
    if (!isCurrent()) return;
    this.hindrance = hindrance;
    if (hindrance) {
      this.tools.changed(this.node);
      return this.againIn(PAUSE_MS);
    }
    return write({ ...marker, state: 'voting', sinceMs: nowMs, ...VOTES }, floor);
  }

  /** Whoever takes part decides, and will have marked it so. */
  private observe(marker: NodeMarker | null, runId: string): void {
    if (marker?.state === 'voting' && marker.runId === runId) return this.settle(marker);
    this.become(marker ? 'quarantined' : 'blank', marker);
    this.againIn(LOOK_MS);
  }

  private async judgeBlank(
    { runId, micros, isDurable = false }: NodeHello,
    isCurrent: () => boolean,
    quarantine: () => Promise<void>,
  ): Promise<void> {
    const { clock, maxTtlMs } = this.tools;
    this.blankSince ??= clock.now();
    this.goOn();
    const answer = await this.tools.mayFound(this.node, runId);
    if (!isCurrent()) return;
    if (answer === 'no') return quarantine();
    this.become('blank', null);
    if (answer === 'yes') {
      const sinceMs = Math.floor(micros / 1_000);
      const first = { state: 'voting', reason: 'first' } as const;
      const marker = { ...first, ...VOTES, runId, maxTtlMs, isDurable, sinceMs };
      return this.write(null, marker, 0, isCurrent);
    }
    const patience = { wait: FOUNDING_MS, incomplete: ALL_UP_MS }[answer];
    if (clock.now() - this.blankSince < patience) return this.againIn(PAUSE_MS);
    return quarantine();
  }

  private quarantineOf(
    { runId, micros, isDurable = false }: NodeHello,
    former: NodeMarker | null,
    reason: QuarantineReason,
    largestTtlMs: number,
  ): NodeMarker {
    const maxTtlMs = Math.max(this.tools.maxTtlMs, largestTtlMs, former?.maxTtlMs ?? 0);
    const sinceMs = Math.floor(micros / 1_000);
    const byMost = this.tools.mostNodesTime();
    const fromMs = Math.max(sinceMs, Math.ceil(byMost?.most ?? 0));
    const votesFromMs = fromMs + delayFor(maxTtlMs);
    const when = { sinceMs, votesFromMs, isByMost: byMost !== null };
    return { state: 'quarantined', runId, maxTtlMs, isDurable, ...when, reason };
  }

  /**
   * The least that the node's counters must have before it votes; `null` if that is not known yet.
   *
   * Not before the delay has passed: until then tokens may be given that rest on what it has forgotten.
   */
  private async catchUp(marker: NodeMarker, nowMs: number): Promise<number | null> {
    if (marker.reason === 'clock-jump') return 0;
    const { token, isSure } = await this.tools.highestTokenOfOthers(this.node);
    if (isSure) return token;
    // With too few others, time has to tell.
    return this.isPastAll(marker, nowMs) ? token : null;
  }

  /** No token was ahead of any clock by more than this. */
  private isPastAll(marker: NodeMarker, nowMs: number): boolean {
    const from = marker.votesFromMs + PAST_ALL_MS;
    return nowMs >= from && this.isOver(marker, nowMs, PAST_ALL_MS);
  }

  private async write(
    expected: string | null,
    marker: NodeMarker,
    floor: number,
    isCurrent: () => boolean,
  ): Promise<void> {
    this.goOn();
    const isWritten = await this.node.port.mark(expected, marker, floor);
    if (!isCurrent()) return;
    // Somebody else was faster, or it is to be seen whether its time has come already.
    if (!isWritten || marker.state === 'quarantined') {
      if (isWritten) this.become('quarantined', marker);
      if (isWritten) this.hasJumped = false;
      return this.greet();
    }
    this.settle(marker);
  }

  /** It votes. */
  private settle(marker: NodeMarker): void {
    this.timer?.clear();
    this.become('voting', marker);
    this.node.payOwed();
  }

  /**
   * The node's own clock may have been set forward since, or set right again: so either the clocks of most nodes
   * tell that it is over, too, or this process has known of it for the whole time.
   */
  private isOver({ votesFromMs, isByMost }: NodeMarker, nowMs: number, extraMs = 0): boolean {
    if (this.quarantineLeftMs() <= -extraMs) return true;
    const least = isByMost ? this.tools.mostNodesTime()?.least : undefined;
    return least !== undefined && Math.min(least, nowMs) >= votesFromMs + extraMs;
  }

  /** By this process's clock, if it has to know of it for the whole time; negative once that is over. */
  quarantineLeftMs(): number {
    const { marker, seen, tools } = this;
    return marker && seen ? seen.at + delayFor(marker.maxTtlMs) - tools.clock.now() : 0;
  }

  private become(standing: NodeStanding, marker: NodeMarker | null): void {
    this.standing = standing;
    if (standing !== 'unreachable') this.marker = marker;
    if (standing !== 'quarantined') this.hindrance = undefined;
    if (standing === 'quarantined') {
      const text = markerText(marker!);
      if (this.seen?.text !== text) this.seen = { text, at: this.tools.clock.now() };
    }
    this.node.votingText = standing === 'voting' && marker ? markerText(marker) : null;
    this.tools.changed(this.node);
  }
}

/** There is no time from which it may. */
const VOTES = { votesFromMs: 0, isByMost: false } as const;

/** How long a node is kept from voting: until every lease has ended, by whatever clock that is counted. */
const delayFor = (maxTtlMs: number): number => Math.ceil(maxTtlMs + driftOf(maxTtlMs));

/** Whether the node's clock has been set back since the marker was written. */
const isFromAnotherClock = ({ sinceMs }: NodeMarker, nowMs: number): boolean =>
  sinceMs > nowMs + SET_BACK_MS;
