import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AuthorityClient } from './authority-client.ts';
import type { Child } from './child.ts';
import type { PlannedFault } from './fault-plan.ts';
import type { Fleet } from './fleet.ts';
import { plural, seconds } from './text.ts';

const LOOK_EVERY_MS = 50;
/** A submission takes some tens of milliseconds: to strike in its middle, look closely. */
const LOOK_CLOSELY_EVERY_MS = 5;

export interface FaultCounts {
  readonly kills: number;
  readonly stops: number;
  /** Of both, how many struck while a submission of the replica was under way. */
  readonly midSubmission: number;
}

export interface FaultsOptions {
  readonly plan: Iterator<PlannedFault, never>;
  readonly fleet: Fleet;
  /** How many there are when nothing is wrong. */
  readonly replicas: number;
  readonly authority: AuthorityClient;
  /** Aborts when the run is over, however it ends. */
  readonly signal: AbortSignal;
  readonly note: (text: string) => void;
  /** Something could not be done, such as starting a replica anew. */
  readonly onError: (error: Error) => void;
}

/** Lets things go wrong, one after the other, until it is told to end. */
export class Faults {
  private readonly done = { kills: 0, stops: 0, midSubmission: 0 };
  /** Replicas that are to wake up, or to be replaced. */
  private readonly aftermath: Promise<void>[] = [];
  private ending = false;
  private striking: Promise<void> | undefined;

  constructor(private readonly options: FaultsOptions) {}

  begin(): void {
    this.striking = this.strikeAgainAndAgain().catch(this.options.onError);
  }

  /** No more faults. Settles when whoever was stopped has been woken, and whoever was killed replaced. */
  async end(): Promise<void> {
    this.ending = true;
    await this.striking;
    await Promise.all(this.aftermath);
  }

  get counts(): FaultCounts {
    return this.done;
  }

  private get isEnding(): boolean {
    return this.ending || this.options.signal.aborted;
  }

  private async strikeAgainAndAgain(): Promise<void> {
    const { plan } = this.options;
    while (!this.isEnding) {
      const fault = plan.next().value;
      await this.untilDue(fault);
      const victim = await this.findVictim(fault);
      if (!victim) return;
      await (fault.kind === 'kill' ? this.kill(victim, fault) : this.stop(victim, fault));
    }
  }

  private async untilDue({ afterInvoices, afterMs }: PlannedFault): Promise<void> {
    const { authority } = this.options;
    const dueAt = performance.now() + afterMs;
    const before = await authority.statistics();
    while (!this.isEnding && performance.now() < dueAt) {
      const { invoices } = await authority.statistics();
      if (invoices - before.invoices >= afterInvoices) return;
      await sleep(LOOK_EVERY_MS);
    }
  }

  /** `undefined` when it is told to end before there is one. */
  private async findVictim(fault: PlannedFault): Promise<Child | undefined> {
    const { fleet, authority, replicas } = this.options;
    while (!this.isEnding) {
      // With two of them missing the others are left alone, and somebody must be left to see that a
      // stopped one has lost its locks; a dead one is replaced.
      const submitting = fault.midSubmission ? await authority.underWay() : undefined;
      const { awake } = fleet;
      const candidates = awake.filter(
        ({ name }) => submitting?.some(({ submittedBy }) => submittedBy === name) ?? true,
      );
      const isWhole = awake.length >= replicas - 1;
      if (isWhole && candidates.length > 0 && (fault.kind === 'kill' || awake.length > 1)) {
        return candidates[Math.floor(fault.pick * candidates.length)];
      }
      await sleep(LOOK_CLOSELY_EVERY_MS);
    }
    return undefined;
  }

  private async kill(victim: Child, { lastsMs }: PlannedFault): Promise<void> {
    const { fleet, note } = this.options;
    this.done.kills += 1;
    const exited = fleet.kill(victim);
    note(`${victim.name} is killed (SIGKILL)${await this.inTheMiddle(victim)}`);
    await exited;
    this.later(lastsMs, async () => {
      const { name } = await fleet.start();
      note(`${name} takes the place of ${victim.name}`);
    });
  }

  private async stop(victim: Child, { lastsMs }: PlannedFault): Promise<void> {
    const { fleet, note } = this.options;
    this.done.stops += 1;
    const safetyNet = resumeLater(victim.pid, lastsMs + 1_000);
    fleet.stop(victim);
    this.later(lastsMs, () => {
      note(`${victim.name} goes on (SIGCONT)`);
      fleet.resume(victim);
      safetyNet();
    });
    const where = await this.inTheMiddle(victim);
    note(`${victim.name} is stopped (SIGSTOP) for ${seconds(lastsMs)}${where}`);
  }

  /** What is under way now was under way when it was struck: nothing came of it since. */
  private async inTheMiddle({ name }: Child): Promise<string> {
    const underWay = await this.options.authority.underWay();
    const [first, ...others] = underWay.filter(({ submittedBy }) => submittedBy === name);
    if (!first) return '';
    this.done.midSubmission += 1;
    const more = others.length > 0 ? ` and ${plural(others.length, 'other')}` : '';
    return ` while it submits ${first.invoice}${more}`;
  }

  private later(ms: number, then: () => void | Promise<void>): void {
    const { signal, onError } = this.options;
    this.aftermath.push(sleep(ms, undefined, { signal }).then(then).catch(onError));
  }
}

/** A stopped process cannot end with its parent: should the parent be killed, a shell wakes it. */
function resumeLater(pid: number, afterMs: number): () => void {
  const shell = spawn('sh', ['-c', `sleep ${afterMs / 1_000}; kill -CONT ${pid}`], {
    detached: true,
    stdio: 'ignore',
  });
  shell.unref();
  return () => {
    const isOver = shell.exitCode !== null || shell.signalCode !== null;
    if (!shell.pid || isOver) return;
    try {
      process.kill(-shell.pid, 'SIGKILL');
    } catch (error) {
      // It has just ended by itself, and this process is not told yet.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  };
}
