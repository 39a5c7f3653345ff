import type { NodeLinks } from '../../support/node-links.js';
import type { WorkerReport } from '../fixtures/quorum-worker.js';
import type { JournalTail } from './journal-tail.js';
import type { WorkerProcess } from './worker-pool.js';

/** One worker, on ways of its own to the nodes, as its journal tells of it. */
export class Contender {
  isStopped = false;

  constructor(
    readonly name: string,
    readonly links: NodeLinks,
    private readonly process: WorkerProcess,
    private readonly journal: JournalTail,
  ) {}

  ready(): Promise<object> {
    return this.told('ready');
  }

  /** It has stopped itself, as its plan has it. */
  async stoppedIn(hold: number): Promise<void> {
    await this.told(`stopping:${hold}`);
    this.isStopped = true;
  }

  stop(): void {
    this.isStopped = true;
    this.process.child.signal('SIGSTOP');
  }

  goOn(): void {
    this.isStopped = false;
    this.process.child.signal('SIGCONT');
  }

  /** How often it has asked, begun to hold and written, been refused, or ended a hold. */
  count(type: 'ask' | 'begin' | 'write' | 'refused' | 'end'): number {
    return this.journal.count(this.name, type);
  }

  /** The token of the hold that has not ended. */
  get token(): number | undefined {
    return this.journal.holdOf(this.name);
  }

  tellToEnd(): void {
    this.process.child.write('end\n');
  }

  report(): Promise<WorkerReport> {
    return this.told<WorkerReport>('report');
  }

  private told<T extends object>(type: string): Promise<T> {
    return this.process.child.told<T>(type + this.process.mark);
  }
}
