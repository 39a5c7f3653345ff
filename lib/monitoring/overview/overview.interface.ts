import type { NameKind, NameRecord } from '../../stores/lock-store.interface.js';

/**
 * Which names that are held are told.
 *
 * @example
 * const query: HeldQuery = { kind: 'lock', search: 'invoice:*', limit: 100 };
 */
export interface HeldQuery {
  /** Default: both. */
  readonly kind?: NameKind | undefined;
  /** A part of the name; with `*` (any text) and `?` (one character), all of it. */
  readonly search?: string | undefined;
  /** Of the page before. */
  readonly cursor?: string | undefined;
  /** How many names at most, up to 500. Default: 50. */
  readonly limit?: number | undefined;
}

/**
 * One name that is held, and by whom.
 *
 * @example
 * const { name, holders: [holder], waiting }: HeldName = page.names[0]!;
 */
export interface HeldName extends NameRecord {
  readonly name: string;
  readonly kind: NameKind;
}

/**
 * Some of the names that are held.
 *
 * @example
 * const { names, cursor, total }: HeldPage = await locks.overview.held();
 */
export interface HeldPage {
  /** The longest held first. */
  readonly names: readonly HeldName[];
  /** Where to go on; left out at the end. A page may be short, or empty, and not be the last. */
  readonly cursor?: string;
  /** How many leases the processes have reported, whatever is searched for. */
  readonly total: number;
}

/**
 * What is done once, by job.
 *
 * @example
 * const stuck = (await locks.overview.jobs()).filter(({ unknown }) => unknown > 0);
 */
export interface JobSummary {
  readonly job: string;
  readonly processed: number;
  readonly unknown: number;
  readonly running: number;
}

/**
 * What is written among the events by hand, such as by an administrator's page.
 *
 * @example
 * const entry: AuditEntry = { type: 'forced', name: 'invoice:42', text: 'It hung.', actor: 'kim' };
 */
export interface AuditEntry {
  /** What was done, in one word. */
  readonly type: string;
  readonly name?: string | undefined;
  readonly text: string;
  readonly actor?: string | undefined;
}
