import type { Clock } from '../../core/clock.js';
import type { NodeReply, RecordStep } from './node-port.interface.js';
import { entryFrom, join, NOTHING, type OutcomeEntry, textOf } from './outcome-record.js';
import type { OutcomeChange } from './outcome-changes.js';
import { placeOf } from './outcome-place.js';
import type { QuorumNode, Voter } from './quorum-node.js';

/** A node that has something else each time is in the hands of many: they put together what it is. */
const MOST_TRIES = 8;
/** A lease may still be on its way to a node. */
const PAUSE_MS = 2;
const MOST_CLAIMS = 3;

/** What is known of an element, and what each node has of it. */
export interface Known {
  readonly entry: OutcomeEntry;
  readonly texts: ReadonlyMap<QuorumNode, string>;
}

export interface WriteTools {
  readonly clock: Clock;
  readonly nodes: readonly QuorumNode[];
  readonly majority: number;
  /** In ms of the nodes' clocks. */
  readonly now: number;
}

export interface WriteTerms {
  readonly known: Known;
  /** Only where the lease is this one. */
  readonly claim?: RecordStep['claim'];
  /** Whether it is not to be done, in view of what has become known on the way. */
  readonly refuses?: (entry: OutcomeEntry) => boolean;
}

/**
 * Has a change made to the record of one element on most nodes, whatever they know.
 *
 * A node sets the new text only in the place of the one that is expected, else it tells what it has: that is
 * joined to what is known, and the node is asked anew. So nothing that a node knew is lost, and who has a
 * majority's consent knows all that this majority knew.
 */
export class RecordWrite implements Voter {
  readonly texts: Map<QuorumNode, string>;
  /** What is known by now, with the change. */
  entry: OutcomeEntry;
  /** Nodes that could not be told. */
  readonly missed = new Set<QuorumNode>();
  private readonly consents = new Set<QuorumNode>();
  private readonly unclaimed = new Set<QuorumNode>();
  private readonly asked = new Set<QuorumNode>();
  /** What each was asked to record, last. */
  private readonly sent = new Map<QuorumNode, string>();
  private readonly tries = new Map<QuorumNode, number>();
  private claims = 1;
  private lastError: Error | undefined;
  private result: 'done' | 'refused' | Error | undefined;
  private settle!: (result: 'done' | 'refused') => void;
  private reject!: (error: Error) => void;
  private end!: () => void;
  /** Nobody is asked any more. */
  readonly ended = new Promise<void>((resolve) => (this.end = resolve));

  constructor(
    private readonly name: string,
    private readonly change: OutcomeChange,
    private readonly terms: WriteTerms,
    private readonly tools: WriteTools,
  ) {
    this.texts = new Map(terms.known.texts);
    this.entry = change(terms.known.entry);
  }

  /** Whether all nodes have the same. */
  get isEverywhere(): boolean {
    const text = textOf(this.entry);
    return this.tools.nodes.every((node) => this.texts.get(node) === text);
  }

  /** `refused` once `refuses` says so: then some nodes may have been changed all the same. */
  run(): Promise<'done' | 'refused'> {
    return new Promise((resolve, reject) => {
      this.settle = resolve;
      this.reject = reject;
      for (const node of this.tools.nodes) {
        if (node.answers) this.ask(node);
        else this.missed.add(node);
      }
      this.consider();
    });
  }

  vote(node: QuorumNode, reply: NodeReply | Error): void {
    this.asked.delete(node);
    if (reply instanceof Error) this.fail(node, reply);
    else if (reply.type === 'recorded') this.consent(node);
    else if (reply.type === 'recalled') this.learn(node, reply.text);
    else if (reply.type === 'unclaimed') this.refuseClaim(node, reply.text);
    else this.fail(node, reply.type === 'failed' ? reply.error : undefined);
    this.consider();
  }

  private fail(node: QuorumNode, error: Error | undefined): void {
    this.lastError = error ?? this.lastError;
    this.missed.add(node);
    // Nobody knows which of the two it has.
    this.texts.delete(node);
  }

  private consent(node: QuorumNode): void {
    this.texts.set(node, this.sent.get(node)!);
    this.missed.delete(node);
    this.consents.add(node);
  }

  private learn(node: QuorumNode, text: string): void {
    if (!this.join(node, text)) return;
    const tries = (this.tries.get(node) ?? 0) + 1;
    this.tries.set(node, tries);
    // What is begun is nobody's business any more once it has ended, which may be soon.
    const isOver = this.result !== undefined && (this.result !== 'done' || this.terms.claim);
    if (tries >= MOST_TRIES) this.missed.add(node);
    else if (!isOver) this.ask(node);
  }

  private refuseClaim(node: QuorumNode, text: string): void {
    if (this.join(node, text)) this.unclaimed.add(node);
  }

  private join(node: QuorumNode, text: string): boolean {
    try {
      this.texts.set(node, text);
      const joined = join(this.entry, entryFrom(text));
      if (this.terms.refuses?.(joined)) this.finish('refused');
      this.entry = this.change(joined);
      return true;
    } catch (error) {
      this.fail(node, error as Error); // somebody else's key
      return false;
    }
  }

  private ask(node: QuorumNode): void {
    const { name, entry, tools, terms } = this;
    const expected = this.texts.get(node) ?? '';
    const next = textOf(entry);
    this.asked.add(node);
    this.sent.set(node, next);
    node.ask(recordStep(name, expected, entry, tools.now, { claim: terms.claim }), this);
  }

  private consider(): void {
    if (!this.result && this.consents.size >= this.tools.majority) this.finish('done');
    if (this.asked.size > 0) return;
    if (!this.result) this.goOn();
    else if (this.result === 'done' && !this.terms.claim) this.complete();
    if (this.asked.size === 0 && this.result) this.end();
  }

  /** All have answered, and it is not decided. */
  private goOn(): void {
    const { clock, majority } = this.tools;
    const mayBe = this.consents.size + this.unclaimed.size;
    if (mayBe < majority || this.claims++ >= MOST_CLAIMS) {
      const why = this.unclaimed.size > 0 ? LOST : TOO_FEW;
      return this.finish(this.lastError ?? new Error(why));
    }
    const again = [...this.unclaimed];
    this.unclaimed.clear();
    clock.setTimer(() => {
      for (const node of again) this.ask(node);
    }, PAUSE_MS);
  }

  /** Those that were told before all was known. */
  private complete(): void {
    const text = textOf(this.entry);
    for (const node of this.consents) {
      const tries = (this.tries.get(node) ?? 0) + 1;
      if (this.texts.get(node) === text || tries > MOST_TRIES || !node.answers) continue;
      this.tries.set(node, tries);
      this.ask(node);
    }
  }

  private finish(result: 'done' | 'refused' | Error): void {
    if (this.result) return;
    this.result = result;
    if (result instanceof Error) this.reject(result);
    else this.settle(result);
  }
}

const LOST = 'the lock was lost before most nodes had recorded what is done under it';
const TOO_FEW = 'too few nodes have recorded it';

/** @param isOwed not all nodes have been told */
export function recordStep(
  name: string,
  expected: string,
  entry: OutcomeEntry,
  now: number,
  { claim, isOwed = false }: { claim?: RecordStep['claim']; isOwed?: boolean } = {},
): RecordStep {
  const from = placeOf(expected === '' ? NOTHING : entryFrom(expected), now).list;
  const { list, listedUntil, endsMs, isKept } = placeOf(entry, now, isOwed);
  const next = textOf(entry);
  return {
    type: 'record',
    name,
    expected,
    next,
    endsMs,
    from,
    to: list,
    listedUntil,
    isKept,
    claim,
  };
}
