import { setTimeout as sleep } from 'node:timers/promises';
import type { Resolution } from '../clerk/clerk.service.ts';
import { killAllChildren } from './child.ts';
import type { Display } from './display.ts';
import type { FaultCounts } from './faults.ts';
import { type Duplicate, findDuplicates, mostAtOnce, wasSentOnWaking } from './ledger.ts';
import { setStage, type Stage } from './stage.ts';
import { number, plural, seconds } from './text.ts';

const LOOK_EVERY_MS = 100;
const TIME_LIMIT_MS = 60_000;
const TIME_LIMIT_PER_INVOICE_MS = 200;

export interface RunOptions {
  readonly locked: boolean;
  /** What goes wrong, and when, follows from it. */
  readonly seed: number;
  readonly replicas: number;
  readonly invoices: number;
}

export interface RunResult extends RunOptions {
  /** How many different invoices the authority has. */
  readonly arrived: number;
  readonly submissions: number;
  readonly duplicates: readonly Duplicate[];
  readonly faults: FaultCounts;
  /** What nobody knew, and what was found out; nothing without locks. */
  readonly resolutions: readonly Resolution[];
  /** How many invoices were finished by a replica that had lost its lock on the way. */
  readonly late: number;
  readonly mostAtOnce: number;
  readonly sentOnWaking: number;
  /** From the moment all replicas were ready until every invoice was issued, in milliseconds. */
  readonly tookMs: number;
}

/** One run: an authority with an empty ledger, the replicas, what goes wrong, and the count. */
export async function run(options: RunOptions, display: Display): Promise<RunResult> {
  const end = new AbortController();
  const course = new Course(options, display, end);
  const limitMs = TIME_LIMIT_MS + options.invoices * TIME_LIMIT_PER_INVOICE_MS;
  const timer = setTimeout(() => end.abort(course.overdue(limitMs)), limitMs);
  const failure = new Promise<never>((_, reject) => {
    end.signal.addEventListener('abort', () => reject(end.signal.reason as Error));
  });
  try {
    return await Promise.race([course.run(), failure]);
  } finally {
    clearTimeout(timer);
    end.abort();
    await killAllChildren();
  }
}

class Course {
  private stage: Stage | undefined;
  private standing = 'the processes are starting';

  constructor(
    private readonly options: RunOptions,
    private readonly display: Display,
    private readonly end: AbortController,
  ) {}

  async run(): Promise<RunResult> {
    const stage = (this.stage = await setStage(this.options, this.display, this.end));
    const startedAt = performance.now();
    stage.faults.begin();
    await this.untilNothingIsLeft(stage);
    await stage.faults.end();
    this.display.note('no more faults; everybody is awake');

    const resolutions = await this.resolveUnknown(stage);
    const tookMs = performance.now() - startedAt;
    await this.look(stage, true);

    const late = (await stage.clerk?.countLate()) ?? 0;
    // What a replica without locks is still about to submit counts too: the ledger is read at the end.
    await stage.fleet.end();
    const ledger = await stage.authority.submissions();
    await stage.clear();

    return {
      ...this.options,
      arrived: new Set(ledger.map(({ invoice }) => invoice)).size,
      submissions: ledger.length,
      duplicates: findDuplicates(ledger),
      faults: stage.faults.counts,
      resolutions,
      late,
      mostAtOnce: mostAtOnce(ledger),
      sentOnWaking: ledger.filter(wasSentOnWaking).length,
      tookMs,
    };
  }

  /** What a run that does not end is told as. */
  overdue(limitMs: number): Error {
    const who = this.stage?.fleet.describe() || 'nobody is up';
    return new Error(
      `The run with seed ${this.options.seed} is not over after ${seconds(limitMs)}: ${this.standing}; ${who}.`,
    );
  }

  /** Until every invoice is issued, or nobody knows whether it is. */
  private async untilNothingIsLeft(stage: Stage): Promise<void> {
    while (!(await this.look(stage))) await sleep(LOOK_EVERY_MS);
  }

  /**
   * Only now that nobody is stopped any more, and everybody is through with what he was at: whoever
   * stands still in the middle of a submission may still submit, whatever was decided meanwhile.
   */
  private async resolveUnknown(stage: Stage): Promise<Resolution[]> {
    const { fleet, authority, clerk } = stage;
    const resolutions: Resolution[] = [];
    if (!clerk) return resolutions;
    for (;;) {
      await this.untilNothingIsLeft(stage);
      if ((await clerk.count()).unknown === 0) return resolutions;
      await fleet.idle();
      await authority.nothingUnderWay();
      const found = [];
      for await (const resolution of clerk.resolveUnknown()) found.push(resolution);
      if (found.length > 0) this.display.resolved(found);
      resolutions.push(...found);
      await sleep(LOOK_EVERY_MS);
    }
  }

  private async look({ authority, clerk }: Stage, isOver = false): Promise<boolean> {
    this.end.signal.throwIfAborted();
    const { invoices: total } = this.options;
    const { submissions, invoices: arrived } = await authority.statistics();
    const counts = await clerk?.count();
    const { processed, unknown, running } = counts ?? {
      processed: arrived,
      unknown: 0,
      running: 0,
    };
    this.display.progress(
      { done: processed, unknown: counts?.unknown, duplicates: submissions - arrived, total },
      isOver,
    );
    const open = total - processed - unknown - running;
    this.standing =
      `of ${plural(total, 'invoice')} ${number(processed)} are done, ${number(unknown)} unknown, ` +
      `${number(running)} locked and ${number(open)} open; ${number(arrived)} have arrived`;
    return open + running === 0;
  }
}
