import type { Duration } from '../../core/duration.js';
import type { StoreSurvey } from '../../stores/survey.interface.js';

/**
 * How the store is looked at.
 *
 * @example
 * const report = await locks.check({ thorough: true, timeout: '5s' });
 */
export interface CheckOptions {
  /** After how long a server counts as one that gives no answer: 1 ms to 10 minutes. Default: 1 s. */
  readonly timeout?: Duration;
  /** How long a write may take before that is worth a warning: 1 ms to 10 minutes. Default: 250 ms. */
  readonly maxLatency?: Duration;
  /** Also persistence, permissions, and whether messages arrive: some thirty commands. Default: false. */
  readonly thorough?: boolean;
}

/**
 * How much something is worth a look: nothing is wrong, something may go wrong, locks cannot be had.
 *
 * @example
 * const worst: Severity = report.status;
 */
export type Severity = 'ok' | 'warn' | 'fail';

/**
 * What a finding is about; stable.
 *
 * @example
 * const codes: FindingCode[] = ['write', 'eviction'];
 */
export type FindingCode =
  | 'write'
  | 'latency'
  | 'node'
  | 'quorum'
  | 'cluster'
  | 'role'
  | 'info'
  | 'version'
  | 'eviction'
  | 'persistence'
  | 'clock'
  | 'permissions'
  | 'hand-overs';

/**
 * One thing that was found out.
 *
 * @example
 * for (const { text, advice } of report.findings) console.log(text, advice);
 */
export interface Finding {
  readonly code: FindingCode;
  readonly severity: Severity;
  /** Of which server; left out where it is about the store as a whole. */
  readonly server?: string;
  /** What was found; names no host. */
  readonly text: string;
  /** What to change, where something should be. */
  readonly advice?: string;
  /** The server's own words, or the client's; may name a host. */
  readonly detail?: string;
}

/**
 * What was found out about the store.
 *
 * @example
 * const { status, findings } = await locks.check();
 */
export interface CheckReport {
  /** The worst of the findings. */
  readonly status: Severity;
  readonly findings: readonly Finding[];
  /** What the findings were made from. */
  readonly survey: StoreSurvey;
}
