import { type Lock, OutcomeUnknownError } from 'nestjs-locker';
import type { Lease } from '../../../lib/core/lease.js';
import { OnceRunner } from '../../../lib/jobs/once-runner.js';
import type { Agenda } from '../agenda.js';
import type { QuorumProcess } from './quorum-process.js';
import type { Once } from './schedule.js';

export interface OnceCallsOptions {
  readonly agenda: Agenda;
  readonly fail: (what: string) => void;
  readonly note: (what: string) => void;
  readonly token: (token: number) => string;
  /** When the first node gave a lease to this owner. */
  readonly givenAt: (owner: string) => number;
  /** Whether what a majority knew is still known. */
  /** A node comes back with what it had some time before. */
  readonly comesBackOlder: boolean;
  readonly isRemembered: () => boolean;
}

/** What has been begun of an element. */
interface Start {
  readonly token: number;
  readonly who: string;
  /** When its failure was sent, and when a majority knew. */
  threwAt: number;
  openAt: number;
}

class WorkError extends Error {}

/**
 * Callers that do elements once, and what must be true of them, as long as no majority has forgotten:
 *
 * - An element of which a majority knows that it is processed is not begun again.
 * - Under `hold` an element is begun again only after all that began it before have failed.
 * - Who has failed, and was told that this is known, has left nothing behind that is unknown.
 * - Every call settles.
 */
export class OnceCalls {
  private readonly starts = new Map<string, Start[]>();
  private readonly processedAt = new Map<string, number>();
  private readonly open = new Map<string, QuorumProcess>();
  private count = 0;

  constructor(private readonly options: OnceCallsOptions) {}

  /** An event of a process: a majority knows that this is processed. */
  processed(name: string): void {
    if (!this.processedAt.has(name)) this.processedAt.set(name, this.options.agenda.now);
  }

  start(
    process: QuorumProcess,
    { name, holdMs, isFailing, waitMs }: Omit<Once, 'type' | 'process'>,
  ): void {
    const title = `once ${++this.count} of ${process.name} for "${name}"`;
    this.open.set(title, process);
    process.perform(() => {
      void this.run(title, process, name, { holdMs, isFailing, waitMs }).finally(() =>
        this.open.delete(title),
      );
    });
  }

  get areOver(): boolean {
    return [...this.open.values()].every(({ isCrashed }) => isCrashed);
  }

  checkSettled(): void {
    for (const [title, { isCrashed }] of this.open) {
      if (!isCrashed) this.options.fail(`${title} has not settled`);
    }
  }

  private async run(
    title: string,
    process: QuorumProcess,
    name: string,
    { holdMs, isFailing, waitMs }: Pick<Once, 'holdMs' | 'isFailing' | 'waitMs'>,
  ): Promise<void> {
    const { agenda, note } = this.options;
    const askedAt = agenda.now;
    const onUnknown = name.startsWith('hold') ? 'hold' : 'retry';
    const terms = {
      job: 'job',
      retentionMs: Infinity,
      maxResultBytes: 0,
      onUnknown,
      unknownIf: undefined,
    } as const;
    let start: Start | undefined;
    const work = (lock: Lock): Promise<void> => {
      start = this.began(title, name, lock, onUnknown);
      return new Promise((resolve, reject) => {
        process.clock.setTimer(() => {
          if (!isFailing) return resolve();
          start!.threwAt = agenda.now;
          reject(new WorkError('it failed'));
        }, holdMs);
      });
    };
    let told = 'done';
    try {
      const runner = new OnceRunner(process.client, (event) => process.tell(event));
      const { status } = await runner.run({ name, ...terms }, work, { wait: waitMs });
      told = status;
    } catch (error) {
      told = `${(error as Error).name}: ${(error as Error).message}`;
      if (error instanceof OutcomeUnknownError) this.checkUnknown(title, name, error, askedAt);
      if (error instanceof WorkError && process.hasReleased(start!.token))
        start!.openAt = agenda.now;
    }
    note(`${title}: ${told}`);
  }

  private began(title: string, name: string, lock: Lock, policy: 'hold' | 'retry'): Start {
    const { fail, givenAt, isRemembered, token, note, agenda } = this.options;
    const { holding } = lock as unknown as { holding: { lease: Lease } };
    const { fencingToken } = lock;
    note(`${title}: begins with ${token(fencingToken)}`);
    const before = this.starts.get(name) ?? [];
    if (isRemembered()) {
      const processedAt = this.processedAt.get(name) ?? Infinity;
      if (givenAt(holding.lease.owner) > processedAt) {
        fail(`${title} begins what was processed at ${processedAt}`);
      }
      const former = before.find(({ threwAt }) => threwAt > agenda.now);
      if (policy === 'hold' && former) fail(`${title} begins, and ${former.who} had begun`);
    }
    const start = { token: fencingToken, who: title, threwAt: Infinity, openAt: Infinity };
    this.starts.set(name, [...before, start]);
    return start;
  }

  private checkUnknown(
    title: string,
    name: string,
    { record }: OutcomeUnknownError,
    askedAt: number,
  ): void {
    const { fail, isRemembered, comesBackOlder } = this.options;
    // Such a node may know only that it was begun.
    if (comesBackOlder) return;
    const told = record.attempts.filter(({ outcome }) => outcome === 'unknown');
    const starts = this.starts.get(name) ?? [];
    for (const { fencingToken } of told) {
      const start = starts.find(({ token }) => token === fencingToken);
      if (start && start.openAt < askedAt && isRemembered()) {
        fail(`${title} is told that the outcome of ${start.who} is unknown, which has failed`);
      }
    }
  }
}
