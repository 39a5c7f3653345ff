import { refuseUnknownOptions } from '../core/acquire-options.js';
import { describeValue } from '../core/describe-value.js';
import type { Duration } from '../core/duration.js';
import type { LockClient } from '../core/lock-client.js';
import { checkLockName } from '../core/lock-name.js';
import { LockBusyError, LockOptionsError } from '../lock.errors.js';
import { isDamage } from '../stores/damaged-outcome.error.js';
import type { OutcomeRecord, OutcomeState, OutcomeStore } from '../stores/outcome.interface.js';
import { checkJobName, parseRetention } from './once-options.js';
import { outcomesOf } from './once-runner.js';

/**
 * Which outcomes are listed.
 *
 * @example
 * locks.outcomes.list('invoice', { state: 'unknown' });
 */
export interface ListOptions {
  /** Default: all. */
  readonly state?: OutcomeState;
}

/**
 * How many elements of a job are in which state.
 *
 * @example
 * const { unknown }: OutcomeCounts = await locks.outcomes.count('invoice');
 */
export type OutcomeCounts = Readonly<Record<OutcomeState, number>>;

/**
 * How an unknown outcome is resolved.
 *
 * @example
 * await locks.outcomes.resolve('invoice:42', 'processed', { retention: '90d' });
 */
export interface ResolveOptions {
  /** Of the marker, where it counts as processed. Default: 30 days. */
  readonly retention?: Duration;
}

const STATES: readonly unknown[] = ['running', 'unknown', 'processed'];

/**
 * What has become of all that is done once: to be looked at, resolved and cleared.
 *
 * Outcomes are listed by job, over indexes: the keyspace is never scanned.
 *
 * @example
 * for await (const record of locks.outcomes.list('invoice', { state: 'unknown' })) {
 *   await locks.outcomes.resolve(record, (await hasArrived(record.name)) ? 'processed' : 'retry');
 * }
 */
export class Outcomes {
  /** @internal */
  constructor(private readonly client: LockClient) {}

  /**
   * What is known of one name; `null` if it is open.
   *
   * @throws LockStoreError if the store cannot be asked
   * @example
   * const record = await locks.outcomes.of('invoice:42');
   */
  of(name: string): Promise<OutcomeRecord | null> {
    return this.store.read(checkLockName(name));
  }

  /**
   * Ends an unknown outcome: it counts as processed, or may be done again.
   *
   * @param of its name; or the record that the decision rests on, should somebody have begun it anew since
   * @returns false if its outcome is not unknown (any more)
   * @throws LockBusyError while somebody is at it
   * @throws LockStoreError if the store cannot be asked
   * @example
   * await locks.outcomes.resolve('invoice:42', 'processed');
   */
  async resolve(
    of: string | OutcomeRecord,
    decision: 'processed' | 'retry',
    options: ResolveOptions = {},
  ): Promise<boolean> {
    const name = checkLockName(typeof of === 'object' ? of?.name : of);
    const what = `resolve("${name}")`;
    if (typeof of === 'object' && !Array.isArray(of.attempts)) {
      throw new LockOptionsError(`${what}: that is no record; pass one of list(), or the name.`);
    }
    if (decision !== 'processed' && decision !== 'retry') {
      throw new LockOptionsError(
        `${what}: the decision is ${describeValue(decision)}; write 'processed' or 'retry'.`,
      );
    }
    refuseUnknownOptions(options, new Set(['retention']), what);
    const retentionMs = parseRetention(options.retention, what);
    const record = typeof of === 'string' ? await this.of(of) : of;
    const last = record?.attempts.at(-1);
    if (!record || !last) return false;
    const { job } = record;
    const { fencingToken } = last;
    const { holder } = this.client;
    const asked = { name, job, fencingToken, decision, retentionMs, holder };
    const found = await this.store.resolve(asked);
    if (found !== 'running') return found === 'resolved';
    throw new LockBusyError(
      `The outcome of "${name}" cannot be resolved: somebody is at it. Wait for its end.`,
      name,
      null,
    );
  }

  /**
   * The outcomes of a job, in no order; what changes meanwhile may be left out, or come twice.
   *
   * @throws LockStoreError if the store cannot be asked
   * @example
   * for await (const record of locks.outcomes.list('invoice', { state: 'unknown' })) report(record);
   */
  async *list(job: string, options: ListOptions = {}): AsyncGenerator<OutcomeRecord, void> {
    checkJobName(job, 'outcomes.list(): the job');
    refuseUnknownOptions(options, new Set(['state']), 'outcomes.list()');
    const { state } = options;
    if (state !== undefined) checkState(state, STATES);
    const lists = state === 'processed' ? ['processed'] : ['begun'];
    if (state === undefined) lists.push('processed');
    for (const which of lists as ('processed' | 'begun')[]) {
      for await (const names of this.pages(job, which)) {
        for (const record of await this.read(names, job)) {
          if ((state ?? record.state) === record.state) yield record;
        }
      }
    }
  }

  /** @internal Some of `list`, and where to go on; there may be none among them, and more after them. */
  async page(
    job: string,
    state: OutcomeState,
    cursor?: string,
  ): Promise<{ records: OutcomeRecord[]; cursor: string | undefined }> {
    checkJobName(job, 'The job');
    const which = state === 'processed' ? 'processed' : 'begun';
    const page = await this.store.names(job, which, cursor);
    const records = await this.read([...new Set(page.names)], job);
    return { records: records.filter((record) => record.state === state), cursor: page.cursor };
  }

  /**
   * How many elements of a job are processed, running and unknown.
   *
   * @throws LockStoreError if the store cannot be asked
   * @example
   * const { unknown } = await locks.outcomes.count('invoice');
   */
  async count(job: string): Promise<OutcomeCounts> {
    checkJobName(job, 'The job');
    const { processed, begun } = await this.store.count(job);
    const counts = { processed, running: 0, unknown: 0 };
    if (begun === 0) return counts;
    for await (const names of this.pages(job, 'begun')) {
      for (const { state } of await this.read(names, job)) {
        if (state !== 'processed') counts[state]++;
      }
    }
    return counts;
  }

  /**
   * Forgets what is processed, or unknown: it may then be done again.
   *
   * @returns how many were forgotten
   * @throws LockStoreError if the store cannot be asked
   * @example
   * await locks.outcomes.clear('invoice', 'processed');
   */
  async clear(job: string, state: 'processed' | 'unknown'): Promise<number> {
    checkJobName(job, 'outcomes.clear(): the job');
    checkState(state, ['processed', 'unknown']);
    let cleared = 0;
    for await (const names of this.pages(job, state === 'processed' ? 'processed' : 'begun')) {
      const done = await Promise.all(names.map((name) => this.store.clear(name, job, state)));
      cleared += done.filter(Boolean).length;
    }
    return cleared;
  }

  /** But for those that were begun anew for another job. */
  private async read(names: readonly string[], job: string): Promise<OutcomeRecord[]> {
    const records = await Promise.all(
      // One that cannot be read hides no others: `of` tells of it, and `clear` forgets it.
      names.map((name) =>
        this.store.read(name).catch((error: Error) => {
          if (isDamage(error.cause)) return null;
          throw error;
        }),
      ),
    );
    return records.filter((record) => record !== null && record.job === job) as OutcomeRecord[];
  }

  /** Each name once, however often the store tells it. */
  private async *pages(job: string, which: 'processed' | 'begun'): AsyncGenerator<string[], void> {
    checkJobName(job, 'The job');
    let cursor: string | undefined;
    do {
      const page = await this.store.names(job, which, cursor);
      if (page.names.length > 0) yield [...new Set(page.names)];
      cursor = page.cursor;
    } while (cursor !== undefined);
  }

  private get store(): OutcomeStore {
    return outcomesOf(this.client);
  }
}

function checkState(state: unknown, states: readonly unknown[]): void {
  if (states.includes(state)) return;
  throw new LockOptionsError(
    `The state is ${describeValue(state)}; write one of ${states.map((each) => `'${String(each)}'`).join(', ')}.`,
  );
}
