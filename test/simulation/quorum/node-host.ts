import { type Agenda, OUTSIDE } from '../agenda.js';
import type { SimulatedNode } from './simulated-node.js';
import type { SimulatedPort } from './simulated-port.js';

/** What a node keeps over a restart. */
export type Keeps = 'all' | 'nothing' | 'a snapshot';

/** The machine that a node runs on: it may be down or stand still, and all its connections with it. */
export class NodeHost {
  readonly ports = new Set<SimulatedPort>();
  /** Which start of the node a connection was made to. */
  starts = 0;
  isUp = true;
  isFrozen = false;
  private backlog: (() => unknown)[] = [];
  private freezes = 0;

  constructor(
    readonly node: SimulatedNode,
    private readonly agenda: Agenda,
  ) {}

  get name(): string {
    return this.node.name;
  }

  /** Whether new connections are made. */
  get answers(): boolean {
    return this.isUp && !this.isFrozen;
  }

  /** Has the node take something, unless the server that it was sent to is gone. */
  serve(start: number, task: () => unknown): unknown {
    if (!this.isUp || start !== this.starts) return OUTSIDE;
    if (!this.isFrozen) return task();
    this.backlog.push(task);
    return OUTSIDE;
  }

  /** @param isNoticed whether connections break at once, as with a process, or when it is up again, as with a machine */
  kill(isNoticed: boolean): void {
    this.isUp = false;
    this.isFrozen = false;
    this.backlog = [];
    this.starts++;
    for (const port of this.ports) {
      if (isNoticed) port.break('reset by peer');
      else port.strand();
    }
  }

  restart(keeps: Keeps): void {
    this.kill(true);
    this.node.restart(keeps);
    this.isUp = true;
  }

  /** SIGSTOP: connections stay, what arrives is taken later. */
  freeze(forMs: number): void {
    if (!this.isUp) return;
    this.isFrozen = true;
    const freeze = ++this.freezes;
    this.agenda.in(forMs, () => {
      if (freeze === this.freezes) this.thaw();
      return OUTSIDE;
    });
  }

  thaw(): void {
    this.isFrozen = false;
    for (const task of this.backlog.splice(0)) task();
  }

  tellFreed(name: string): void {
    for (const port of this.ports) port.tellFreed(name);
  }
}
