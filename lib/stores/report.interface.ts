import type { Holder, Subject } from './lock-store.interface.js';

/**
 * Up to how many milliseconds a wait took, for each of `ProcessRecord.waits.buckets`; a last one has the rest.
 *
 * @example
 * const slow = waits.buckets.slice(WAIT_BUCKETS_MS.indexOf(5_000) + 1);
 */
export const WAIT_BUCKETS_MS: readonly number[] = [
  5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 120_000, 300_000,
];

/**
 * What one process did since it started: counters that only grow.
 *
 * @example
 * const [{ process, held, counts }] = await locks.overview.processes();
 */
export interface ProcessRecord {
  /** Of one `LockService` of one process; a new one after a restart. */
  readonly id: string;
  readonly process: Holder;
  readonly startedAt: Date;
  /** When it last told; by its own clock, as `startedAt`. */
  readonly reportedAt: Date;
  /** How many locks and permits it holds at the moment. */
  readonly held: number;
  /** How many of its calls wait at the moment. */
  readonly waiting: number;
  readonly counts: ProcessCounts;
  readonly waits: WaitCounts;
}

/**
 * How often something happened to the locks of a process, since it started.
 *
 * @example
 * const perSecond = (now.acquired - before.acquired) / seconds;
 */
export interface ProcessCounts {
  readonly acquired: number;
  readonly busy: number;
  readonly released: number;
  readonly lost: number;
}

/**
 * Waits that ended, by how long they took.
 *
 * @example
 * const mean = waits.sumMs / waits.buckets.reduce((sum, count) => sum + count, 0);
 */
export interface WaitCounts {
  /** How many took at most as long as `WAIT_BUCKETS_MS` says there, and longer than the bound before; the last one has the rest. */
  readonly buckets: readonly number[];
  /** Of all of them, in milliseconds. */
  readonly sumMs: number;
}

/**
 * A notable event of any process that shares the store.
 *
 * @example
 * const [{ at, process, text }] = await locks.overview.events(1);
 */
export interface EventRecord {
  readonly at: Date;
  readonly process: Holder;
  /** As the event's, such as `lost`; or that of an audit entry. */
  readonly type: string;
  readonly name?: string;
  readonly text: string;
  /** Who did it, where a person did. */
  readonly actor?: string;
}

/**
 * A name that a process holds, and the lowest token that it holds it with.
 *
 * @example
 * const reported: ReportedName = { name: 'invoice:42', kind: 'lock', fencingToken: 7 };
 */
export interface ReportedName extends Subject {
  readonly fencingToken: number;
}

/**
 * An event that is told once, however often it is written.
 *
 * @example
 * const told: ToldEvent = { id: randomUUID(), at, process: holder, type: 'lost', text };
 */
export interface ToldEvent extends EventRecord {
  readonly id: string;
}

/**
 * What a process tells the store of itself, from time to time.
 *
 * @example
 * await store.reports!.write(report);
 */
export interface Report {
  /** 1, 2, 3, …: a store that has missed one needs all names, and not only what has changed. */
  readonly number: number;
  readonly record: ProcessRecord;
  /** How long it counts, in milliseconds, should nothing come after it. */
  readonly expiresInMs: number;
  /** Whether it is time to say again that there is this process at all. */
  readonly isSignOfLife: boolean;
  /** Since the report before. */
  readonly added: readonly ReportedName[];
  readonly removed: readonly Subject[];
  /** All names, and how many they are. */
  readonly names: { readonly size: number; all(): readonly ReportedName[] };
  readonly events: readonly ToldEvent[];
  /** Jobs whose elements are done once, as they are met. */
  readonly jobs: readonly string[];
}

/**
 * Where processes tell what they hold, so that a fleet can be looked at without a look at every key.
 *
 * Nothing of it decides about a lock. Times are the processes' own; what a process has told ends by itself.
 *
 * @example
 * const reports: ReportStore | undefined = store.reports;
 */
export interface ReportStore {
  /** Rejects if any of it may not have been written. */
  write(report: Report): Promise<void>;
  /** A process ends: nothing of it is left. */
  remove(id: string): Promise<void>;
  /** Writes events that no report carries. */
  tell(events: readonly ToldEvent[]): Promise<void>;
  processes(): Promise<readonly ProcessRecord[]>;
  /**
   * Names of one process, by `compareNames`: those after this one, at most so many; fewer only at the end.
   */
  names(
    id: string,
    after: ReportedName | undefined,
    count: number,
  ): Promise<readonly ReportedName[]>;
  /** With which token each of these processes has reported it; `undefined` if it has not. */
  tokensOf(subject: Subject, ids: readonly string[]): Promise<readonly (number | undefined)[]>;
  /** The newest first. */
  events(limit: number): Promise<readonly ToldEvent[]>;
  /** Those that were met last first. */
  jobs(limit: number): Promise<readonly string[]>;
  /**
   * A store that is this process itself asks for a report when somebody reads, and is written to at no other time.
   */
  whenRead?(report: () => Promise<void>): void;
}

/**
 * How names are ordered: by their tokens, so by when they were taken; then by kind and name.
 *
 * @example
 * names.sort(compareNames);
 */
export function compareNames(a: ReportedName, b: ReportedName): number {
  return a.fencingToken - b.fencingToken || Buffer.compare(bytesOf(a), bytesOf(b));
}

/** As texts would be compared by a server. */
const bytesOf = ({ kind, name }: Subject): Buffer => Buffer.from(kind[0] + name);
