import { LockClient } from '../../../lib/core/lock-client.js';
import { QuorumLockStore } from '../../../lib/stores/quorum/quorum-lock.store.js';
import type { NodePort } from '../../../lib/stores/quorum/node-port.interface.js';
import type { LockEvent } from 'nestjs-locker';
import type { LockEventSink } from '../../../lib/core/lock-events.js';
import { type Agenda, ProcessClock } from '../agenda.js';
import { ProcessLife } from '../process-life.js';
import type { History } from './history.js';
import type { NodeHost } from './node-host.js';
import type { SimulatedNode } from './simulated-node.js';
import { type AnswerTimes, SimulatedPort } from './simulated-port.js';

export const STORE_TIMEOUT_MS = 500;
const NODE_TIMEOUT_MS = 50;
const CONNECT_TIMEOUT_MS = 10_000;

export interface QuorumProcessTools {
  readonly agenda: Agenda;
  readonly random: () => number;
  readonly hosts: readonly NodeHost[];
  readonly history: History | undefined;
  readonly isFirstDeployment: boolean;
  readonly maxTtlMs: number;
  /** Default: 50. */
  readonly nodeTimeoutMs?: number;
  /** Puts a fault between a process and a node. */
  readonly wrapPort?: ((port: NodePort) => NodePort) | undefined;
  onEvent(process: QuorumProcess, event: LockEvent): void;
}

/** A process of its own as far as the library can tell: a client, its clock and its connections. */
export class QuorumProcess extends ProcessLife {
  readonly clock: ProcessClock;
  readonly ports: readonly SimulatedPort[];
  readonly client: LockClient;
  private readonly released = new Set<number>();
  /** What it could know of a node's clock. */
  readonly answers = new Map<SimulatedNode, AnswerTimes[]>();

  constructor(
    readonly name: string,
    rate: number,
    private readonly tools: QuorumProcessTools,
  ) {
    super(tools.agenda, tools.random);
    const { agenda, random, hosts, history, isFirstDeployment, maxTtlMs, wrapPort } = tools;
    const { nodeTimeoutMs = NODE_TIMEOUT_MS } = tools;
    this.clock = new ProcessClock(agenda, rate, (task) => this.perform(task, 'timers'));
    this.ports = hosts.map(
      (host) =>
        new SimulatedPort(host, {
          agenda,
          random,
          history,
          process: name,
          perform: (task) => this.perform(task),
          onAnswer: (node, times) => {
            const known = this.answers.get(node);
            if (known) known.push(times);
            else this.answers.set(node, [times]);
          },
        }),
    );
    const store = new QuorumLockStore(
      this.ports.map((port) => wrapPort?.(port) ?? port),
      {
        clock: this.clock,
        maxTtlMs,
        nodeTimeoutMs,
        isFirstDeployment,
        random,
      },
    );
    this.client = new LockClient({
      store,
      holder: { service: name, host: 'simulated', pid: 1 },
      storeTimeoutMs: Math.max(STORE_TIMEOUT_MS, 4 * nodeTimeoutMs),
      leakStacks: false,
      ttlMs: maxTtlMs,
      waitMs: 0,
      emit: (event) => this.tell(event),
    });
    this.client.connect(CONNECT_TIMEOUT_MS).catch(() => undefined); // it goes on trying
  }

  tell(event: Parameters<LockEventSink>[0]): void {
    if (event.type === 'released') this.released.add(event.fencingToken);
    this.tools.onEvent(this, event as LockEvent);
  }

  /** Whether a majority was told that a lock is given back, and what was told with it. */
  hasReleased(token: number): boolean {
    return this.released.has(token);
  }

  override crash(): void {
    super.crash();
    for (const port of this.ports) void port.close();
  }
}
