import type { Clock } from '../../core/clock.js';
import type { NodeStep } from './node-port.interface.js';
import type { Electorate } from './electorate.js';
import { AS_IT_IS, type OutcomeChange } from './outcome-changes.js';
import { KEPT_MS } from './outcome-place.js';
import { OutcomeReading } from './outcome-reading.js';
import { textOf } from './outcome-record.js';
import { standingOf } from './outcome-view.js';
import type { QuorumNode } from './quorum-node.js';
import { type Known, recordStep, RecordWrite, type WriteTerms } from './record-write.js';

/** More would be of a node that is gone for good. */
const MOST_OWED = 10_000;

/** Writes records, and sees to it that all nodes come to have the same. */
export class OutcomeWriter {
  /** Names of which some node has not been told, and until when that matters. */
  private readonly owed = new Map<string, number>();
  private readonly background = new Set<Promise<void>>();
  private readonly mending = new Set<string>();

  constructor(
    private readonly electorate: Electorate,
    private readonly clock: Clock,
    private readonly now: () => number,
  ) {}

  get majority(): number {
    return this.electorate.majority;
  }

  write(
    name: string,
    change: OutcomeChange,
    known: Known,
    terms: Omit<WriteTerms, 'known'> = {},
  ): RecordWrite {
    const { nodes, majority } = this.electorate;
    const tools = { clock: this.clock, nodes, majority, now: this.now() };
    return new RecordWrite(name, change, { known, ...terms }, tools);
  }

  /** Resolves when a majority has it; the others are told, too, in the background. */
  async tell(name: string, change: OutcomeChange, known: Known): Promise<RecordWrite> {
    const write = this.write(name, change, known);
    await write.run();
    void this.finish(name, write);
    return write;
  }

  /** The same, as far as that can be done. */
  takeBack(name: string, change: OutcomeChange, known: Known): Promise<void> {
    const telling = async (): Promise<void> => void (await this.tell(name, change, known));
    return this.run(telling).catch(() => undefined);
  }

  /** Resolves when all nodes that can be reached have been told. */
  finish(name: string, write: RecordWrite): Promise<void> {
    return this.run(async () => {
      await write.ended;
      if (!write.isEverywhere) return this.owe(name, write);
      this.owed.delete(name);
      this.forget(name, write);
    });
  }

  /** Has nodes that differ learn from each other, unless somebody may be at it. */
  mend(name: string, { entry, texts }: Known): void {
    const text = textOf(entry);
    if ([...texts.values()].every((each) => each === text) || this.mending.has(name)) return;
    this.mending.add(name);
    this.run(() => this.spread(name, { entry, texts }))
      .catch(() => undefined) // whoever reads it next tries again
      .finally(() => this.mending.delete(name));
  }

  /** A node can be asked again, that could not be. */
  async payOwed(): Promise<void> {
    const now = this.clock.now();
    const due = [...this.owed].filter(([, until]) => until > now);
    this.owed.clear();
    for (const [name, until] of due) {
      await this.run(async () => {
        const reading = await OutcomeReading.of(name, this.electorate, this.now);
        await this.spread(name, reading);
      }).catch(() => this.owed.set(name, until));
    }
  }

  /** Resolves when what goes on in the background has ended; nothing of it takes longer than a node may. */
  async flush(): Promise<void> {
    await Promise.allSettled(this.background);
  }

  /** What is begun is not told to others: it might come back when it has been forgotten everywhere. */
  private async spread(name: string, known: Known): Promise<void> {
    const { processed, last } = standingOf(known.entry, this.now());
    if ((last && processed.length === 0) || textOf(known.entry) === '') return;
    const write = await this.tell(name, AS_IT_IS, known);
    await write.ended;
  }

  /** Open, and all know it: nobody has to remember that any more. */
  private forget(name: string, { entry, texts }: RecordWrite): void {
    const { processed, last } = standingOf(entry, this.now());
    const { nodes } = this.electorate;
    // One that catches up may have been told of what is forgotten here.
    if (processed.length > 0 || last || !nodes.every((node) => node.canVote)) return;
    for (const node of nodes) {
      this.send(node, { type: 'forget', name, expected: texts.get(node)! });
    }
  }

  /** Those that know keep it for as long as one that does not may come back with what it had. */
  private owe(name: string, { entry, texts }: RecordWrite): void {
    const text = textOf(entry);
    const now = this.now();
    const { processed } = standingOf(entry, now);
    this.owed.delete(name);
    this.owed.set(name, this.clock.now() + KEPT_MS);
    if (this.owed.size > MOST_OWED) this.owed.delete(this.owed.keys().next().value!);
    if (!processed.some(({ until }) => until > 0)) return;
    const step = recordStep(name, text, entry, now, { isOwed: true });
    for (const [node, has] of texts) if (has === text && node.answers) this.send(node, step);
  }

  private send(node: QuorumNode, step: NodeStep): void {
    node.ask(step, { vote: () => undefined });
  }

  private run(task: () => Promise<void>): Promise<void> {
    const running = task().finally(() => this.background.delete(running));
    this.background.add(running);
    return running;
  }
}
