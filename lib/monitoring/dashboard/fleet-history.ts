import { type ProcessRecord, WAIT_BUCKETS_MS } from '../../stores/report.interface.js';

const MOST_SAMPLES = 300;
/** Reports come every few seconds, and not together: a rate is over several of them. */
const WINDOW_MS = 10_000;

type Count = keyof ProcessRecord['counts'];
const COUNTS: readonly Count[] = ['acquired', 'busy', 'released', 'lost'];

/** What all processes together did up to a time, since it was first looked at. */
interface Sample {
  readonly atMs: number;
  readonly counts: Readonly<Record<Count, number>>;
  readonly buckets: readonly number[];
  readonly held: number;
  readonly waiting: number;
}

/** One point of the curves; rates are per second, waits in milliseconds, `null` where nobody waited. */
export interface CurvePoint {
  readonly atMs: number;
  readonly acquired: number;
  readonly busy: number;
  readonly lost: number;
  readonly waitP50: number | null;
  readonly waitP95: number | null;
  readonly held: number;
  readonly waiting: number;
}

/** Makes curves of counters that only grow, by process; processes come and go. */
export class FleetHistory {
  private former: ReadonlyMap<string, ProcessRecord> | undefined;
  private readonly samples: Sample[] = [];

  constructor(private readonly leastGapMs: number) {}

  /** @param atMs a wall clock, of this process */
  add(atMs: number, processes: readonly ProcessRecord[]): void {
    const last = this.samples.at(-1);
    if (last && atMs - last.atMs < this.leastGapMs) return;
    const { former } = this;
    const counts = { acquired: 0, busy: 0, released: 0, lost: 0, ...last?.counts };
    const buckets = [...(last?.buckets ?? WAIT_BUCKETS_MS.map(() => 0).concat(0))];
    for (const record of processes) {
      const before = former?.get(record.id);
      // Who is new has done all of it since; who was out of sight, nobody knows when.
      const isNew = last !== undefined && record.startedAt.getTime() >= last.atMs - WINDOW_MS;
      if (!before && !isNew) continue;
      for (const count of COUNTS) {
        counts[count] += Math.max(0, record.counts[count] - (before?.counts[count] ?? 0));
      }
      record.waits.buckets.forEach((count, i) => {
        buckets[i] = (buckets[i] ?? 0) + Math.max(0, count - (before?.waits.buckets[i] ?? 0));
      });
    }
    const sum = (key: 'held' | 'waiting'): number =>
      processes.reduce((total, record) => total + record[key], 0);
    this.samples.push({ atMs, counts, buckets, held: sum('held'), waiting: sum('waiting') });
    if (this.samples.length > MOST_SAMPLES) this.samples.shift();
    this.former = new Map(processes.map((record) => [record.id, record]));
  }

  /** The earliest first. */
  points(): CurvePoint[] {
    let from = 0;
    return this.samples.slice(1).map((sample, i) => {
      while (this.samples[from + 1]!.atMs <= sample.atMs - WINDOW_MS) from++;
      const before = this.samples[Math.min(from, i)]!;
      const seconds = (sample.atMs - before.atMs) / 1_000;
      const rate = (count: Count): number =>
        round((sample.counts[count] - before.counts[count]) / seconds);
      const waits = sample.buckets.map((count, bucket) => count - before.buckets[bucket]!);
      const { atMs, held, waiting } = sample;
      return {
        atMs,
        acquired: rate('acquired'),
        busy: rate('busy'),
        lost: rate('lost'),
        waitP50: quantile(waits, 0.5),
        waitP95: quantile(waits, 0.95),
        held,
        waiting,
      };
    });
  }
}

/** Within a bucket, as if its waits were spread evenly; what is above the last bound is told as that. */
export function quantile(buckets: readonly number[], part: number): number | null {
  const total = buckets.reduce((sum, count) => sum + count, 0);
  if (total === 0) return null;
  let rank = total * part;
  for (const [i, count] of buckets.entries()) {
    const upper = WAIT_BUCKETS_MS[i];
    if (upper === undefined) break;
    if (rank <= count && count > 0) {
      const lower = WAIT_BUCKETS_MS[i - 1] ?? 0;
      return round(lower + ((upper - lower) * rank) / count);
    }
    rank -= count;
  }
  return WAIT_BUCKETS_MS.at(-1)!;
}

const round = (value: number): number => Math.round(value * 100) / 100;
