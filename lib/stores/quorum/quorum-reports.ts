import { NoAnswerError, within } from '../../core/within.js';
import type { Subject } from '../lock-store.interface.js';
import type {
  ProcessRecord,
  Report,
  ReportedName,
  ReportStore,
  ToldEvent,
} from '../report.interface.js';

/** The reports that one node keeps, and whether it owes answers. */
interface Part {
  readonly reports: ReportStore;
  writing: boolean;
  /** Questions that were given up: it is asked nothing more until it has answered them. */
  owed: number;
}

/**
 * Reports on several nodes: each is told everything, and whoever reads has what any of them knows. Nothing here
 * needs a majority, since nothing of it decides about a lock.
 */
export class QuorumReports implements ReportStore {
  private readonly parts: readonly Part[];
  /** Which of them had the newest record of a process. */
  private readonly freshest = new Map<string, Part>();

  constructor(
    nodes: readonly ReportStore[],
    private readonly nodeTimeoutMs: number,
  ) {
    this.parts = nodes.map((reports) => ({ reports, writing: false, owed: 0 }));
  }

  /** What a node misses meanwhile it is told as a whole with the next report. */
  async write(report: Report): Promise<void> {
    await this.each(async (part) => {
      if (part.writing) throw new Error('it has yet to take the report before');
      part.writing = true;
      const done = part.reports.write(report).finally(() => (part.writing = false));
      await within(done, this.nodeTimeoutMs);
    });
  }

  async remove(id: string): Promise<void> {
    this.freshest.delete(id);
    await this.ask((reports) => reports.remove(id));
  }

  async tell(events: readonly ToldEvent[]): Promise<void> {
    await this.ask((reports) => reports.tell(events));
  }

  async processes(): Promise<readonly ProcessRecord[]> {
    const newest = new Map<string, { readonly record: ProcessRecord; readonly part: Part }>();
    for (const [records, part] of await this.ask((reports) => reports.processes())) {
      for (const record of records) {
        const known = newest.get(record.id)?.record;
        if (!known || record.reportedAt > known.reportedAt) newest.set(record.id, { record, part });
      }
    }
    this.freshest.clear();
    for (const [id, { part }] of newest) this.freshest.set(id, part);
    return [...newest.values()].map(({ record }) => record);
  }

  /** Of the node with the newest record, which has all names of that report; should it fail, of another. */
  async names(
    id: string,
    after: ReportedName | undefined,
    count: number,
  ): Promise<readonly ReportedName[]> {
    const freshest = this.freshest.get(id);
    const others = this.parts.filter((part) => part !== freshest);
    let failure: unknown;
    for (const part of freshest ? [freshest, ...others] : others) {
      try {
        return await this.askPart(part, (reports) => reports.names(id, after, count));
      } catch (error) {
        failure = error;
      }
    }
    throw failure;
  }

  async tokensOf(subject: Subject, ids: readonly string[]): Promise<(number | undefined)[]> {
    const answers = await this.ask((reports) => reports.tokensOf(subject, ids));
    return ids.map((id, i) => {
      const freshest = answers.find(([, part]) => part === this.freshest.get(id));
      const found = freshest ? [freshest] : answers;
      return found.map(([tokens]) => tokens[i]).find((token) => token !== undefined);
    });
  }

  async events(limit: number): Promise<readonly ToldEvent[]> {
    const events = new Map<string, ToldEvent>();
    for (const [told] of await this.ask((reports) => reports.events(limit))) {
      for (const event of told) events.set(event.id, event);
    }
    return [...events.values()].sort((a, b) => b.at.getTime() - a.at.getTime()).slice(0, limit);
  }

  async jobs(limit: number): Promise<readonly string[]> {
    const answers = await this.ask((reports) => reports.jobs(limit));
    return [...new Set(answers.flatMap(([jobs]) => jobs))].slice(0, limit);
  }

  private ask<T>(
    question: (reports: ReportStore) => Promise<T>,
  ): Promise<(readonly [answer: T, part: Part])[]> {
    return this.each((part) => this.askPart(part, question));
  }

  private async askPart<T>(part: Part, question: (reports: ReportStore) => Promise<T>): Promise<T> {
    if (part.owed > 0) throw new Error('it has yet to answer what it was asked before');
    const asked = question(part.reports);
    try {
      return await within(asked, this.nodeTimeoutMs);
    } catch (error) {
      if (error instanceof NoAnswerError) {
        part.owed++;
        const answered = (): number => part.owed--;
        asked.then(answered, answered);
      }
      throw error;
    }
  }

  /** Rejects only if none of them does it. */
  private async each<T>(
    task: (part: Part) => Promise<T>,
  ): Promise<(readonly [answer: T, part: Part])[]> {
    const results = await Promise.allSettled(this.parts.map(task));
    const answers = results.flatMap((result, i) =>
      result.status === 'fulfilled' ? [[result.value, this.parts[i]!] as const] : [],
    );
    const [first] = results;
    if (answers.length === 0 && first?.status === 'rejected') throw first.reason;
    return answers;
  }
}
