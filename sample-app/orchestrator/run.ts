import { setTimeout as sleep } from 'node:timers/promises';
import type { Resolution } from '../clerk/clerk.service.ts';
import type { Authority } from './authority.ts';
import { killAllChildren } from './child.ts';
import type { Display } from './display.ts';
import type { FaultCounts } from './faults.ts';
import {
  countSentOnWaking,
  type Duplicate,
  filingsOf,
  findDuplicates,
  findStale,
  mostAtOnce,
} from './ledger.ts';
import type { Mode } from './options.ts';
import type { Page } from './page.ts';
import { setStage, type Stage } from './stage.ts';
import { number, plural, seconds } from './text.ts';

const LOOK_EVERY_MS = 100;
const CLERK_LOOKS_EVERY_MS = 500;
const CLEARING_LIMIT_MS = 5_000;
const TIME_LIMIT_MS = 120_000;
const TIME_LIMIT_PER_INVOICE_MS = 200;

export interface RunOptions {
  readonly mode: Mode;
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
  /** Sent under a fencing token although a newer one had been there. */
  readonly stale: { readonly refused: number; readonly accepted: number };
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

/** How far a run is, in invoices. */
interface Standing {
  readonly done: number;
  readonly open: number;
  readonly running: number;
}

/** One run: an authority with an empty journal, the replicas, what goes wrong, and the count. */
export async function run(
  options: RunOptions,
  authority: Authority,
  display: Display,
  page?: Page,
): Promise<RunResult> {
  const end = new AbortController();
  const course = new Course(options, authority, display, end, page);
  const limitMs = TIME_LIMIT_MS + options.invoices * TIME_LIMIT_PER_INVOICE_MS;
  const timer = setTimeout(() => end.abort(course.overdue(limitMs)), limitMs);
  const failure = new Promise<never>((_, reject) => {
    end.signal.addEventListener('abort', () => reject(end.signal.reason as Error));
  });
  try {
    const result = await Promise.race([course.run(), failure]);
    if (page?.stays(options.mode)) page.keep(() => course.forget());
    else await course.forget();
    return result;
  } catch (error) {
    end.abort();
    await killAllChildren();
    await course.clear();
    await course.forget();
    throw error;
  } finally {
    clearTimeout(timer);
    end.abort();
  }
}

class Course {
  private stage: Stage | undefined;
  private standing = 'the processes are starting';
  private readonly resolutions: Resolution[] = [];

  constructor(
    private readonly options: RunOptions,
    private readonly authority: Authority,
    private readonly display: Display,
    private readonly end: AbortController,
    private readonly page: Page | undefined,
  ) {}

  async run(): Promise<RunResult> {
    const { client } = this.authority;
    const stage = (this.stage = await setStage(
      this.options,
      this.authority,
      this.display,
      this.end,
      this.page,
    ));
    await stage.open();
    const startedAt = performance.now();
    stage.faults.begin();
    const isOver = new AbortController();
    const resolving = this.resolveAgainAndAgain(stage, isOver.signal);
    await this.until(stage, ({ open, running }) => open + running === 0);

    // What is left now, if anything, is unknown: it is resolved and finished without more faults, but
    // nobody waits for those that stand still.
    const awake = stage.faults.end();
    await this.until(stage, ({ done }) => done === this.options.invoices);
    const tookMs = performance.now() - startedAt;
    isOver.abort();
    await resolving;
    await this.look(stage, true);
    await awake;
    this.display.note('no more faults; everybody is awake');

    // What a replica is still about to submit counts too: the journal is read at the end.
    await stage.fleet.end();
    await client.nothingUnderWay();
    const late = (await stage.clerk?.countLate()) ?? 0;
    const journal = await client.journal();
    const traffic = await client.traffic();
    const { refused } = await client.statistics();
    const filings = filingsOf(journal);
    await stage.clear();

    return {
      ...this.options,
      arrived: new Set(filings.map(({ invoice }) => invoice)).size,
      submissions: filings.length,
      duplicates: findDuplicates(journal),
      stale: { refused, accepted: findStale(journal).length },
      faults: stage.faults.counts,
      resolutions: this.resolutions,
      late,
      mostAtOnce: mostAtOnce(traffic),
      sentOnWaking: countSentOnWaking(traffic),
      tookMs,
    };
  }

  /** After a failure: nothing is left in Redis, if that can be. The failure is what is told. */
  async clear(): Promise<void> {
    const cleared = this.stage?.clear().catch(() => undefined);
    await Promise.race([cleared, sleep(CLEARING_LIMIT_MS)]);
  }

  /** Takes away what the page has shown. */
  async forget(): Promise<void> {
    const forgotten = this.stage?.forget().catch(() => undefined);
    await Promise.race([forgotten, sleep(CLEARING_LIMIT_MS)]);
  }

  /** What a run that does not end is told as. */
  overdue(limitMs: number): Error {
    const who = this.stage?.fleet.describe() || 'nobody is up';
    return new Error(
      `The run with seed ${this.options.seed} is not over after ${seconds(limitMs)}: ${this.standing}; ${who}.`,
    );
  }

  private async until(stage: Stage, isSo: (standing: Standing) => boolean): Promise<void> {
    while (!isSo(await this.look(stage))) await sleep(LOOK_EVERY_MS);
  }

  /** The clerk decides at once, whoever is stopped or dying: with fencing, that is safe. */
  private async resolveAgainAndAgain({ clerk }: Stage, isOver: AbortSignal): Promise<void> {
    while (clerk && !isOver.aborted && !this.end.signal.aborted) {
      const found: Resolution[] = [];
      try {
        for await (const resolution of clerk.resolveUnknown()) found.push(resolution);
      } catch (error) {
        // Redis or the authority has not answered in time: what is left is looked at again.
        this.display.note(`the clerk: ${(error as Error).message}`);
      }
      this.display.resolved(found);
      this.resolutions.push(...found);
      await sleep(CLERK_LOOKS_EVERY_MS, undefined, { signal: isOver }).catch(() => undefined);
    }
  }

  private async look({ clerk }: Stage, isOver = false): Promise<Standing> {
    this.end.signal.throwIfAborted();
    const { invoices: total, mode } = this.options;
    const { submissions, invoices: arrived, refused } = await this.authority.client.statistics();
    const counts = await clerk?.count();
    const { processed, unknown, running } = counts ?? {
      processed: arrived,
      unknown: 0,
      running: 0,
    };
    this.display.progress(
      {
        done: processed,
        unknown: counts?.unknown,
        refused: mode === 'with fencing' ? refused : undefined,
        duplicates: submissions - arrived,
        total,
      },
      isOver,
    );
    const open = total - processed - unknown - running;
    this.standing =
      `of ${plural(total, 'invoice')} ${number(processed)} are done, ${number(unknown)} unknown, ` +
      `${number(running)} locked and ${number(open)} open; ${number(arrived)} have arrived`;
    return { done: processed, open, running };
  }
}
