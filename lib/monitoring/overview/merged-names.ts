import {
  compareNames,
  type ReportedName,
  type ReportStore,
} from '../../stores/report.interface.js';

const FEWEST_AT_ONCE = 10;
const MOST_AT_ONCE = 1_000;

/** The names of one process, as far as they are read. */
interface Source {
  readonly id: string;
  names: readonly ReportedName[];
  at: number;
  atOnce: number;
  isRead: boolean;
  last: ReportedName | undefined;
}

/** The names of many processes in one order, each read only as far as it is needed. */
export class MergedNames {
  private readonly sources: readonly Source[];

  /** @param expected how many are likely to be taken in all */
  constructor(
    private readonly reports: Pick<ReportStore, 'names'>,
    ids: readonly string[],
    after: ReportedName | undefined,
    expected: number,
  ) {
    const atOnce = inBounds(Math.ceil((2 * expected) / Math.max(1, ids.length)));
    this.sources = ids.map((id) => ({
      id,
      names: [],
      at: 0,
      atOnce,
      isRead: false,
      last: after,
    }));
  }

  /** Whether `take` knows the next name. */
  get isReady(): boolean {
    return this.sources.every(({ names, at, isRead }) => isRead || at < names.length);
  }

  /** Reads on where nothing is left, and where it soon will be. */
  async read(): Promise<void> {
    const scarce = this.sources.filter(
      ({ names, at, atOnce, isRead }) => !isRead && names.length - at < atOnce / 4,
    );
    await Promise.all(scarce.map((source) => this.readOn(source)));
  }

  /** The next name of any process; `undefined` at the end. A name that two processes tell with one token is told once. */
  take(): ReportedName | undefined {
    let next: Source | undefined;
    for (const source of this.sources) {
      const name = source.names[source.at];
      if (name && (!next || compareNames(name, next.names[next.at]!) < 0)) next = source;
    }
    if (!next) return undefined;
    const name = next.names[next.at]!;
    for (const source of this.sources) {
      const other = source.names[source.at];
      if (other?.fencingToken === name.fencingToken && compareNames(other, name) === 0) source.at++;
    }
    return name;
  }

  private async readOn(source: Source): Promise<void> {
    const { id, names, at, atOnce, last } = source;
    const more = await this.reports.names(id, last, atOnce);
    source.names = [...names.slice(at), ...more];
    source.at = 0;
    source.last = more.at(-1) ?? last;
    source.isRead = more.length < atOnce;
    source.atOnce = inBounds(atOnce * 2);
  }
}

const inBounds = (count: number): number => Math.min(Math.max(count, FEWEST_AT_ONCE), MOST_AT_ONCE);
