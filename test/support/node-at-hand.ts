import type { ManualClock } from 'nestjs-locker/testing';
import {
  markerText,
  type NodeAnswer,
  type NodeHello,
  type NodeListener,
  type NodeMarker,
  type NodePort,
  type NodeReply,
  type NodeStep,
  parseMarker,
} from '../../lib/stores/quorum/node-port.interface.js';

const NO_LISTS: NodeReply = { type: 'listed', cursor: '0', names: [] };

/** A question that waits for its answer. */
export interface OpenCall {
  readonly marker: string;
  readonly steps: readonly NodeStep[];
  /** @param micros the node's TIME as it is now, unless given */
  answer(replies?: readonly NodeReply[], micros?: number): void;
  fail(message: string): void;
}

/**
 * A node whose answers the test gives: what it keeps of itself it does by itself, and knows of nothing that is done
 * once; other steps wait to be answered.
 */
export class NodeAtHand implements NodePort {
  readonly description: string;
  lastError: Error | undefined;
  runId: string;
  text: string | null = null;
  isDurable = false;
  refusal: string | undefined;
  notices: string[] = [];
  /** By how much its clock is ahead of the test's, in ms. */
  aheadMs = 1_700_000_000_000;
  highest = 0;
  /** The least that its counters have been told to have. */
  floor = 0;
  /** Answers calls without steps by itself, and all of them with this, if it is there. */
  always: ((step: NodeStep) => NodeReply) | undefined;
  calls: OpenCall[] = [];
  /** Hellos wait until they are let go. */
  holdsHellos = false;
  isListeningTo = false;
  isClosed = false;
  private hellos: (() => void)[] = [];
  private listener: NodeListener | undefined;

  constructor(
    index: number,
    private readonly clock: ManualClock,
  ) {
    this.description = `node ${index}`;
    this.runId = `run-${index}`;
  }

  get marker(): NodeMarker | null {
    return this.text === null ? null : parseMarker(this.text);
  }

  get micros(): number {
    return Math.floor((this.clock.now() + this.aheadMs) * 1_000);
  }

  /** Loses all that it has, as FLUSHALL does. */
  flush(): void {
    this.text = null;
    this.highest = 0;
  }

  connect(): void {
    this.listener?.onOpen();
  }

  disconnect(): void {
    this.listener?.onClose(new Error('the connection was lost'));
  }

  letHellosGo(): void {
    for (const go of this.hellos.splice(0)) go();
  }

  open(listener: NodeListener): void {
    this.listener = listener;
  }

  hello(): Promise<NodeHello> {
    const { runId, micros, text, isDurable, refusal, notices } = this;
    const hello = { runId, micros, markerText: text, isDurable, refusal, notices };
    if (!this.holdsHellos) return Promise.resolve(hello);
    return new Promise((resolve) => this.hellos.push(() => resolve(hello)));
  }

  take(marker: string, steps: readonly NodeStep[]): Promise<NodeAnswer> {
    const { always } = this;
    if (steps.length === 0) return Promise.resolve({ micros: this.micros, replies: [] });
    if (steps.every(({ type }) => type === 'lists')) {
      const isRight = marker === this.text; // nothing is done once
      const reply: NodeReply = isRight ? NO_LISTS : { type: 'no-vote' };
      return Promise.resolve({ micros: this.micros, replies: steps.map(() => reply) });
    }
    if (always) return Promise.resolve({ micros: this.micros, replies: steps.map(always) });
    return new Promise((resolve, reject) => {
      this.calls.push({
        marker,
        steps,
        answer: (replies = [], micros = this.micros) => resolve({ micros, replies }),
        fail: (message) => reject(new Error(message)),
      });
    });
  }

  async mark(expected: string | null, marker: NodeMarker, floor: number): Promise<boolean> {
    if (expected !== this.text) return false;
    this.text = markerText(marker);
    this.floor = Math.max(this.floor, floor);
    return true;
  }

  async highestToken(marker: string): Promise<number | null> {
    return marker === this.text ? this.highest : null;
  }

  listenTo(): void {
    this.isListeningTo = true;
  }

  async close(): Promise<void> {
    this.isClosed = true;
  }
}

/** What has been asked is on its way, and what was answered has been heard. */
export const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
