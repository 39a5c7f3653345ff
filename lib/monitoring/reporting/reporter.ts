import { randomUUID } from 'node:crypto';
import type { LoggerService } from '@nestjs/common';
import type { LockClient } from '../../core/lock-client.js';
import type { LockEvent } from '../../core/lock-events.js';
import { errorFrom } from '../../core/within.js';
import type { ProcessRecord, Report, ReportStore } from '../../stores/report.interface.js';
import { EventNotes } from './event-notes.js';
import { JobNotes } from './job-notes.js';
import { ReportedNames } from './reported-names.js';

/** How often a process says that it is there, while nothing happens; and after how many of these it is gone. */
const LIFE_MS = 10_000;
const LIVES = 3;
/** Where nobody reads, not more than these are kept here. */
const MANY_EVENTS = 50;
/** How long the end of the application waits for the last report. */
const LAST_WORDS_MS = 500;

const FORBIDDEN = /NOPERM|ACL failure|no permissions|can't (run|access|publish)/i;

/** Taken before a test can put fake timers in their place: those would never come to an end. */
const setTimer = setTimeout;
const clearTimer = clearTimeout;

export interface ReporterOptions {
  readonly store: ReportStore;
  readonly client: LockClient;
  /** How often it looks whether there is something to tell. */
  readonly periodMs: number;
  readonly logger: LoggerService;
  /** What messages call the store. */
  readonly description: string;
}

/**
 * Tells the store from time to time what this process holds, how much it did, and what happened.
 *
 * Nothing of it may harm a lock: one report at a time, none while there is no connection, and no error of it
 * goes anywhere but to the log, once.
 */
export class Reporter {
  private readonly id = randomUUID();
  private readonly startedAt = new Date();
  private readonly counts = { acquired: 0, busy: 0, released: 0, lost: 0 };
  private readonly names = new ReportedNames();
  private readonly events: EventNotes;
  private readonly jobs = new JobNotes();
  private readonly lifeMs: number;
  private number = 0;
  private lastText = '';
  private lastSignAt = -Infinity;
  private writing: Promise<void> | undefined;
  private timer: NodeJS.Timeout | undefined;
  private isPulled = false;
  private isClosed = false;
  private pauseMs: number;
  /** Whether this outage was told, and whether it was ever told that something is forbidden. */
  private isTold = false;
  private isWarned = false;

  constructor(private readonly options: ReporterOptions) {
    this.events = new EventNotes(this.id, options.client.holder);
    this.lifeMs = Math.max(LIFE_MS, options.periodMs);
    this.pauseMs = options.periodMs;
  }

  note(event: LockEvent): void {
    const { type } = event;
    if (type === 'acquired' || type === 'released' || type === 'busy') {
      this.counts[type]++;
      return;
    }
    if (type === 'lost') this.counts.lost++;
    this.events.note(event);
    if (this.isPulled && this.events.size >= MANY_EVENTS) void this.report();
  }

  metJob(job: string): void {
    this.jobs.note(job);
  }

  start(): void {
    const { store, periodMs } = this.options;
    this.isPulled = store.whenRead !== undefined;
    store.whenRead?.(() => this.report());
    if (!this.isPulled) this.reportIn(periodMs);
  }

  /** Tells what is left to be told, and that the process is no more. */
  async close(): Promise<void> {
    clearTimer(this.timer);
    const lastWords = async (): Promise<void> => {
      await this.writing;
      if (this.number === 0 && this.events.size === 0) return;
      await this.report();
      this.isClosed = true;
      await this.options.store.remove(this.id);
    };
    // What cannot be told now ends by itself.
    await settledWithin(LAST_WORDS_MS, lastWords());
    this.isClosed = true;
  }

  private reportIn(ms: number): void {
    this.timer = setTimer(() => {
      void this.report().then(() => {
        if (!this.isClosed) this.reportIn(this.pauseMs);
      });
    }, ms);
    this.timer.unref();
  }

  /** Never rejects; one at a time, however long the store takes. */
  private report(): Promise<void> {
    if (this.isClosed) return Promise.resolve();
    this.writing ??= this.writeNext().finally(() => (this.writing = undefined));
    return this.writing;
  }

  private async writeNext(): Promise<void> {
    const report = this.next();
    if (!report) return;
    const { store, periodMs } = this.options;
    try {
      await store.write(report);
    } catch (error) {
      this.failed(report, errorFrom(error));
      return;
    }
    this.jobs.told(report.jobs);
    this.lastText = textOf(report.record);
    if (report.isSignOfLife) this.lastSignAt = performance.now();
    this.pauseMs = periodMs;
    this.isTold = false;
  }

  /** What is to be told, if there is anything. */
  private next(): Report | undefined {
    const { client, periodMs } = this.options;
    const { names, jobs } = this;
    // Of locks that come and go in between nobody is told.
    const changes = names.update(client.tenures, client.clock.now() - periodMs / 2);
    const record = this.recordOf(changes.held);
    const isSignOfLife = performance.now() - this.lastSignAt >= this.lifeMs;
    const isNew = this.events.size + jobs.met.length > 0 || textOf(record) !== this.lastText;
    const isOther = changes.added.length + changes.removed.length > 0;
    if (!isSignOfLife && !isNew && !isOther && !this.isPulled) return undefined;
    return {
      number: ++this.number,
      record,
      expiresInMs: this.lifeMs * LIVES,
      isSignOfLife,
      added: changes.added,
      removed: changes.removed,
      names,
      events: this.events.take(),
      jobs: jobs.met,
    };
  }

  private recordOf(held: number): ProcessRecord {
    const { holder, waits } = this.options.client;
    const { waiting, buckets, sumMs } = waits;
    return {
      id: this.id,
      process: holder,
      startedAt: this.startedAt,
      reportedAt: new Date(),
      held,
      waiting,
      counts: { ...this.counts },
      waits: { buckets: [...buckets], sumMs: Math.round(sumMs) },
    };
  }

  private failed({ events }: Report, error: Error): void {
    const { logger, description, periodMs } = this.options;
    this.lastText = '';
    const isForbidden = FORBIDDEN.test(error.message);
    this.pauseMs = isForbidden || /^[A-Z]{3,} /.test(error.message) ? this.lifeMs : periodMs;
    if (isForbidden) {
      if (!this.isWarned) logger.warn(refusalBy(description, error));
      this.isWarned = true;
      return; // the same would be refused again
    }
    this.events.putBack(events);
    if (!this.isTold) {
      logger.debug?.(`${description} could not be told what is held here: ${error.message}`);
    }
    this.isTold = true;
  }
}

/** All that is told of a process but for when. */
const textOf = ({ held, waiting, counts, waits }: ProcessRecord): string =>
  JSON.stringify([held, waiting, counts, waits]);

const refusalBy = (store: string, error: Error): string =>
  `${store} does not take what this process tells of the locks that it holds, so that others cannot list them: ` +
  `${error.message}. Locks are not affected. Allow what docs/considerations.md (Permissions) names for reports, ` +
  'or set the LockModule option "reports" to false.';

async function settledWithin(ms: number, promise: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimer(resolve, ms);
  });
  await Promise.race([promise.catch(() => undefined), late]);
  clearTimer(timer);
}
