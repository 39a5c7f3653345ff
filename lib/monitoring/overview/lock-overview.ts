import { randomUUID } from 'node:crypto';
import { refuseNoObject } from '../../core/acquire-options.js';
import type { ReportReader } from '../../core/bounded-store.js';
import { describeValue } from '../../core/describe-value.js';
import type { LockClient } from '../../core/lock-client.js';
import type { Outcomes } from '../../jobs/outcomes.js';
import { LockOptionsError } from '../../lock.errors.js';
import type { Subject, Waiter } from '../../stores/lock-store.interface.js';
import type { EventRecord, ProcessRecord, ToldEvent } from '../../stores/report.interface.js';
import { HeldListing } from './held-listing.js';
import { checkLimit, checkSubject, resolveQuery } from './held-query.js';
import type { AuditEntry, HeldPage, HeldQuery, JobSummary } from './overview.interface.js';

const MOST_WAITERS = 1_000;
const MOST_EVENTS = 1_000;
/** To count one of them takes several questions. */
const MOST_JOBS = 100;
const JOBS_AT_ONCE = 4;
const LONGEST = { type: 50, name: 4_096, text: 2_000, actor: 500 } as const;

/**
 * What all processes hold, wait for and did: to be looked at.
 *
 * It rests on what the processes tell of themselves every few seconds (the module's option `reports`), so that
 * the keyspace is never scanned. What is listed as held was so when it was asked for.
 *
 * @example
 * const { names, cursor } = await locks.overview.held({ search: 'invoice:' });
 */
export class LockOverview {
  /** @internal */
  constructor(
    private readonly client: LockClient,
    private readonly outcomes: Outcomes,
  ) {}

  /**
   * The names that are held, the longest held first; those held for less than about a second may be missing.
   * A page is short where much was searched for little: go on with its `cursor`.
   *
   * @throws LockOptionsError if something of the query is none, or the store keeps no reports
   * @throws LockStoreError if the store cannot be asked
   * @example
   * for (let cursor; ; ) {
   *   const page = await locks.overview.held({ search: 'invoice:*', cursor });
   *   page.names.forEach(({ name, holders, waiting }) => print(name, holders, waiting));
   *   if (!(cursor = page.cursor)) break;
   * }
   */
  async held(query: HeldQuery = {}): Promise<HeldPage> {
    const resolved = resolveQuery(query);
    const { reports } = this;
    const processes = await reports.processes();
    return new HeldListing(this.client, reports, processes, resolved).page();
  }

  /**
   * Who waits for a name, first to last; nobody over several nodes, which have no queue in common.
   *
   * @param limit how many at most, up to 1,000
   * @throws LockKeyError, LockOptionsError if the name or the limit is none
   * @throws LockStoreError if the store cannot be asked
   * @example
   * const queue = await locks.overview.queueOf({ name: 'invoice:42', kind: 'lock' });
   */
  async queueOf(subject: Subject, limit = 100): Promise<readonly Waiter[]> {
    const checked = checkSubject(subject, 'queueOf()');
    return this.client.queueOf(checked, checkLimit(limit, MOST_WAITERS, 'queueOf(): the limit'));
  }

  /**
   * The processes that are there, with what they hold and did: those that have told of themselves in the last
   * half minute.
   *
   * @throws LockOptionsError if the store keeps no reports
   * @throws LockStoreError if the store cannot be asked
   * @example
   * const waiting = (await locks.overview.processes()).reduce((sum, { waiting }) => sum + waiting, 0);
   */
  async processes(): Promise<readonly ProcessRecord[]> {
    const processes = await this.reports.processes();
    return [...processes].sort(
      ({ process: a, startedAt }, { process: b, startedAt: other }) =>
        a.service.localeCompare(b.service) ||
        a.host.localeCompare(b.host) ||
        a.pid - b.pid ||
        startedAt.getTime() - other.getTime(),
    );
  }

  /**
   * What is done once, by job: of the hundred jobs that were met last, those that have outcomes. It asks some
   * questions for each.
   *
   * @throws LockOptionsError if the store keeps no reports
   * @throws LockStoreError if the store cannot be asked
   * @example
   * const stuck = (await locks.overview.jobs()).filter(({ unknown }) => unknown > 0);
   */
  async jobs(): Promise<readonly JobSummary[]> {
    const jobs = await this.reports.jobs(MOST_JOBS);
    if (!this.client.outcomes) return [];
    const summaries: JobSummary[] = [];
    for (let start = 0; start < jobs.length; start += JOBS_AT_ONCE) {
      const some = jobs.slice(start, start + JOBS_AT_ONCE);
      const counted = some.map(async (job) => ({ job, ...(await this.outcomes.count(job)) }));
      summaries.push(...(await Promise.all(counted)));
    }
    return summaries
      .filter(({ processed, unknown, running }) => processed + unknown + running > 0)
      .sort((a, b) => a.job.localeCompare(b.job));
  }

  /**
   * Notable events of all processes, the newest first, of the last week: locks that were lost, released by force
   * or never released, outcomes that nobody knows, nodes that stopped voting, and what `audit` has written.
   *
   * @param limit how many at most, up to 1,000
   * @throws LockOptionsError if the limit is none, or the store keeps no reports
   * @throws LockStoreError if the store cannot be asked
   * @example
   * const [latest] = await locks.overview.events(1);
   */
  async events(limit = 100): Promise<readonly ToldEvent[]> {
    const most = checkLimit(limit, MOST_EVENTS, 'events(): the limit');
    const seen = new Set<string>();
    const records: ToldEvent[] = [];
    for (const record of await this.reports.events(most)) {
      if (seen.has(record.id)) continue; // told again, as nobody knew whether it had been
      seen.add(record.id);
      records.push(record);
    }
    return records;
  }

  /**
   * Writes an entry among the events: that somebody has done something, such as an administrator's page.
   *
   * @throws LockOptionsError if the entry has no type or text, or the store keeps no reports
   * @throws LockStoreError if the store cannot be written to
   * @example
   * await locks.overview.audit({ type: 'forced', name, text: 'It hung.', actor: request.user.name });
   */
  async audit(entry: AuditEntry): Promise<void> {
    const checked = checkEntry(entry);
    const at = new Date();
    const { holder: process } = this.client;
    await this.reports.tell([{ id: randomUUID(), at, process, ...checked }]);
  }

  private get reports(): ReportReader {
    const { reports } = this.client;
    if (reports) return reports;
    throw new LockOptionsError(
      'locks.overview needs a store to which processes tell what they hold, and this lock store takes no reports. ' +
        'Use Redis, several nodes or memory, or give a store of your own "reports".',
    );
  }
}

function checkEntry(entry: AuditEntry): Pick<EventRecord, 'type' | 'text'> {
  refuseNoObject(entry, 'audit()');
  const { type, name, text, actor } = entry;
  const given = Object.entries({ type, name, text, actor }).filter(
    ([, value]) => value !== undefined,
  );
  for (const [key, value] of [['type', type] as const, ['text', text] as const, ...given]) {
    if (typeof value === 'string' && value !== '') continue;
    throw new LockOptionsError(
      `audit(): "${key}" is ${describeValue(value)}; write a text that is not empty.`,
    );
  }
  const cut = given.map(([key, value]) => [key, value!.slice(0, LONGEST[key as 'type'])]);
  return Object.fromEntries(cut) as Pick<EventRecord, 'type' | 'text'>;
}
