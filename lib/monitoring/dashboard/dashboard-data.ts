import { performance } from 'node:perf_hooks';
import { LockOptionsError } from '../../lock.errors.js';
import type { LockService } from '../../lock.service.js';
import type { LeaseRecord, NodeStatus, Subject } from '../../stores/lock-store.interface.js';
import type { OutcomeRecord, OutcomeState } from '../../stores/outcome.interface.js';
import type { EventRecord, ProcessRecord } from '../../stores/report.interface.js';
import type { HeldName, HeldQuery } from '../overview/overview.interface.js';
import type { ResolvedActions } from './dashboard-options.js';
import { FleetHistory } from './fleet-history.js';
import { SharedAnswers } from './shared-answers.js';

const MOST_PROCESSES = 200;
const MOST_JOBS = 200;
const MOST_IN_QUEUE = 100;
const EVENTS_OF_OVERVIEW = 8;
const NAMES_OF_PAGE = 50;
const LONGEST_SEARCH_MS = 6_000;
/** Pages that are left open search for a tenth of the time at most. */
const REST_OF_SEARCH = 10;
const OUTCOMES_OF_PAGE = 50;
const PAGES_AT_ONCE = 8;
/** Nobody takes it: it is only asked for, to see whether there is an answer. */
const PROBE: Subject = { name: 'nestjs-locker:dashboard', kind: 'lock' };

/**
 * What the page shows, as plain data. Everything is picked by name, so that nothing else of a record
 * gets out: neither owners, which no record has, nor stored results.
 */
export class DashboardData {
  private readonly history: FleetHistory;
  private readonly shared: SharedAnswers;

  constructor(
    private readonly locks: LockService,
    private readonly options: ResolvedActions,
  ) {
    const { refreshMs } = options;
    // Less than the pages' own pause, so that a page that asks gets something new.
    this.shared = new SharedAnswers(refreshMs * 0.75);
    this.history = new FleetHistory(refreshMs * 0.5);
  }

  /** What is known may have changed, by somebody here. */
  changed(): void {
    this.shared.clear();
  }

  overview() {
    return this.shared.get('overview', async () => {
      const { overview } = this.locks;
      const [processes, jobs, events] = await Promise.all([
        overview.processes(),
        overview.jobs(),
        overview.events(EVENTS_OF_OVERVIEW),
      ]);
      const at = Date.now();
      this.history.add(at, processes);
      const sum = (of: (record: ProcessRecord) => number): number =>
        processes.reduce((total, record) => total + of(record), 0);
      return {
        ...this.frame(),
        held: sum(({ held }) => held),
        waiting: sum(({ waiting }) => waiting),
        unknown: jobs.reduce((total, { unknown }) => total + unknown, 0),
        processCount: processes.length,
        processes: processes.slice(0, MOST_PROCESSES).map(toProcess),
        jobs: jobs.slice(0, MOST_JOBS).map(toJob),
        events: events.map(toEvent),
        curves: this.history.points(),
      };
    });
  }

  /** Never fails: that the store does not answer is what it tells. */
  store() {
    return this.shared.get('store', async () => {
      const began = performance.now();
      const error = await this.locks.jobs.client.inspect(PROBE).then(
        () => null,
        (failure: unknown) => textOf(failure),
      );
      const latencyMs = performance.now() - began;
      return {
        ...this.frame(),
        store: this.locks.toJSON().store,
        isReachable: error === null,
        latencyMs: error === null ? latencyMs : null,
        error,
        nodes: await this.nodes(),
      };
    });
  }

  held(query: HeldQuery) {
    const search = async () => {
      const { limit = NAMES_OF_PAGE } = query;
      const until = performance.now() + LONGEST_SEARCH_MS;
      let page = await this.locks.overview.held({ ...query, limit });
      const names = [...page.names];
      // Much may have to be searched for little.
      while (page.cursor !== undefined && names.length < limit && performance.now() < until) {
        const { cursor } = page;
        page = await this.locks.overview.held({ ...query, cursor, limit: limit - names.length });
        names.push(...page.names);
      }
      const { cursor, total } = page;
      return { ...this.frame(), names: names.map(toHeld), cursor, total };
    };
    return this.shared.get(`held ${JSON.stringify(query)}`, search, REST_OF_SEARCH);
  }

  name(subject: Subject) {
    return this.shared.get(`name ${JSON.stringify(subject)}`, async () => {
      const [record, queue, outcome] = await Promise.all([
        this.locks.jobs.client.inspect(subject),
        this.locks.overview.queueOf(subject, MOST_IN_QUEUE),
        subject.kind === 'lock' ? this.outcomeOf(subject.name) : null,
      ]);
      return {
        ...this.frame(),
        ...toHeld({ ...record, ...subject }),
        queue: queue.map(({ holder, units }) => ({ ...toHolder(holder), units })),
        outcome: outcome && toOutcome(outcome),
      };
    });
  }

  outcomes(job: string, state: OutcomeState, cursor: string | undefined) {
    return this.shared.get(`outcomes ${JSON.stringify([job, state, cursor])}`, async () => {
      const records: OutcomeRecord[] = [];
      let position = cursor;
      for (let i = 0; i < PAGES_AT_ONCE; i++) {
        const page = await this.locks.outcomes.page(job, state, position);
        records.push(...page.records);
        position = page.cursor;
        if (position === undefined || records.length >= OUTCOMES_OF_PAGE) break;
      }
      return { ...this.frame(), outcomes: records.map(toOutcome), cursor: position };
    });
  }

  events(limit: number | undefined) {
    return this.shared.get(`events ${limit}`, async () => {
      const events = await this.locks.overview.events(limit);
      return { ...this.frame(), events: events.map(toEvent) };
    });
  }

  /** Where the store keeps none, there is none. */
  private async outcomeOf(name: string): Promise<OutcomeRecord | null> {
    return this.locks.outcomes.of(name).catch((error: unknown) => {
      if (error instanceof LockOptionsError) return null;
      throw error;
    });
  }

  /** Each is written to, so that it tells how long it takes. */
  private async nodes() {
    if (this.locks.nodes().length === 0) return [];
    const { survey } = await this.locks.check();
    return this.locks.nodes().map((status) => ({
      ...toNode(status),
      latencyMs: survey.servers.find(({ server }) => server === status.node)?.latencyMs ?? null,
    }));
  }

  private frame() {
    const { title, isReadOnly, refreshMs } = this.options;
    return { at: Date.now(), title, isReadOnly, refreshMs };
  }
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const toHolder = ({ service, host, pid }: LeaseRecord['holder']) => ({ service, host, pid });

const toLease = ({ holder, fencingToken, since, remainingMs, units, nodes }: LeaseRecord) => ({
  ...toHolder(holder),
  fencingToken,
  since: since.getTime(),
  remainingMs,
  units,
  nodes: nodes && { have: nodes.have, asked: nodes.asked, all: nodes.all },
});

const toHeld = ({ name, kind, permits, waiting, holders }: HeldName) => ({
  name,
  kind,
  permits,
  waiting,
  holders: holders.map(toLease),
});

const toProcess = (record: ProcessRecord) => ({
  id: record.id,
  ...toHolder(record.process),
  startedAt: record.startedAt.getTime(),
  reportedAt: record.reportedAt.getTime(),
  held: record.held,
  waiting: record.waiting,
  acquired: record.counts.acquired,
  busy: record.counts.busy,
  lost: record.counts.lost,
});

const toJob = (summary: { job: string } & Record<OutcomeState, number>) => ({
  job: summary.job,
  processed: summary.processed,
  unknown: summary.unknown,
  running: summary.running,
});

const toEvent = ({ at, process, type, name, text, actor }: EventRecord) => ({
  at: at.getTime(),
  ...toHolder(process),
  type,
  name,
  text,
  actor,
});

const toNode = ({ node, state, reason, votesInMs, clockOffsetMs, error }: NodeStatus) => ({
  node,
  state,
  reason,
  votesInMs,
  clockOffsetMs,
  error: error && textOf(error),
});

const toOutcome = (record: OutcomeRecord) => ({
  name: record.name,
  job: record.job,
  state: record.state,
  processedAt: record.processedAt?.getTime() ?? null,
  expiresAt: record.expiresAt?.getTime() ?? null,
  attempts: record.attempts.map(({ holder, since, fencingToken, outcome }) => ({
    ...toHolder(holder),
    since: since.getTime(),
    fencingToken,
    outcome,
  })),
});
