import type { Redis } from 'ioredis';
import type { JournalEntry } from '../../support/holding-journal.js';

/** Follows a journal while it is written. */
export class JournalTail {
  readonly entries: JournalEntry[] = [];
  private readonly counts = new Map<string, number>();
  private readonly holds = new Map<string, number>();
  private reading: Promise<void> = Promise.resolve();

  constructor(
    private readonly storage: Redis,
    readonly key: string,
  ) {}

  /** Resolves once all is known that stands there now. */
  read(): Promise<void> {
    this.reading = this.reading.then(async () => {
      const added = await this.storage.lrange(this.key, this.entries.length, -1);
      for (const text of added) this.add(JSON.parse(text) as JournalEntry);
    });
    return this.reading;
  }

  count(worker: string, type: JournalEntry['type']): number {
    return this.counts.get(`${worker} ${type}`) ?? 0;
  }

  /** The token with which a worker has begun a hold that has not ended. */
  holdOf(worker: string): number | undefined {
    return this.holds.get(worker);
  }

  private add(entry: JournalEntry): void {
    const { worker, type } = entry;
    this.entries.push(entry);
    this.counts.set(`${worker} ${type}`, this.count(worker, type) + 1);
    if (entry.type === 'begin') this.holds.set(worker, entry.token);
    if (type === 'end') this.holds.delete(worker);
  }
}
