import type { Clock } from '../../core/clock.js';
import type { Subject } from '../lock-store.interface.js';
import {
  compareNames,
  type ProcessRecord,
  type Report,
  type ReportedName,
  type ReportStore,
  type ToldEvent,
} from '../report.interface.js';

const MOST_EVENTS = 1_000;
const MOST_JOBS = 1_000;

interface Told {
  readonly record: ProcessRecord;
  readonly endsAt: number;
  readonly names: readonly ReportedName[];
}

/** What the services of one process tell of themselves, when somebody asks. */
export class MemoryReports implements ReportStore {
  private readonly told = new Map<string, Told>();
  private readonly sources: (() => Promise<void>)[] = [];
  private latest: ToldEvent[] = []; // the newest last
  private readonly met = new Set<string>(); // the last one met last

  constructor(private readonly clock: Clock) {}

  whenRead(report: () => Promise<void>): void {
    this.sources.push(report);
  }

  async write({ record, expiresInMs, names, events, jobs }: Report): Promise<void> {
    const endsAt = this.clock.now() + expiresInMs;
    const sorted = [...names.all()].sort(compareNames);
    this.told.set(record.id, { record, endsAt, names: sorted });
    for (const job of jobs) {
      this.met.delete(job);
      this.met.add(job);
      const [oldest] = this.met;
      if (this.met.size > MOST_JOBS) this.met.delete(oldest!);
    }
    await this.tell(events);
  }

  async remove(id: string): Promise<void> {
    this.told.delete(id);
  }

  async tell(events: readonly ToldEvent[]): Promise<void> {
    this.latest = [...this.latest, ...events].slice(-MOST_EVENTS);
  }

  async processes(): Promise<readonly ProcessRecord[]> {
    await this.refresh();
    return [...this.told.values()].map(({ record }) => record);
  }

  async names(
    id: string,
    after: ReportedName | undefined,
    count: number,
  ): Promise<readonly ReportedName[]> {
    const names = this.told.get(id)?.names ?? [];
    const start = after ? names.findIndex((name) => compareNames(name, after) > 0) : 0;
    return start < 0 ? [] : names.slice(start, start + count);
  }

  async tokensOf({ name, kind }: Subject, ids: readonly string[]): Promise<(number | undefined)[]> {
    return ids.map((id) => {
      const names = this.told.get(id)?.names ?? [];
      return names.find((each) => each.name === name && each.kind === kind)?.fencingToken;
    });
  }

  async events(limit: number): Promise<readonly ToldEvent[]> {
    await this.refresh();
    return this.latest.slice(-limit).reverse();
  }

  async jobs(limit: number): Promise<readonly string[]> {
    await this.refresh();
    return [...this.met].reverse().slice(0, limit);
  }

  private async refresh(): Promise<void> {
    await Promise.all(this.sources.map((report) => report()));
    for (const [id, { endsAt }] of this.told) {
      if (endsAt <= this.clock.now()) this.told.delete(id);
    }
  }
}
