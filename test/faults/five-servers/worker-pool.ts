import { Child } from '../../support/child-process.js';
import type { WorkerPlan } from '../fixtures/quorum-worker.js';

const PROGRAM = new URL('../fixtures/quorum-worker.ts', import.meta.url);

/** A process that carries out plans, one after the other. */
export interface WorkerProcess {
  readonly child: Child;
  /** Behind the types of what it tells about the present plan. */
  readonly mark: string;
}

/** Processes that are used again, since their start takes longer than most plans. */
export class WorkerPool {
  private idle: Child[] = [];
  private busy: Child[] = [];
  private plans = 0;

  start(plan: WorkerPlan): WorkerProcess {
    const mark = `@${++this.plans}`;
    const text = JSON.stringify({ ...plan, mark });
    const used = this.idle.pop();
    used?.write(`${text}\n`);
    const child = used ?? Child.start(PROGRAM, text);
    this.busy.push(child);
    return { child, mark };
  }

  /** All have come to their end. */
  takeBack(): void {
    this.idle.push(...this.busy.splice(0));
  }

  /** What they do is not known any more. */
  async abandon(): Promise<void> {
    await Promise.all(this.busy.splice(0).map((child) => child.kill()));
  }
}
