import { LockClient } from '../../lib/core/lock-client.js';
import type { LockEvent, LockStore } from 'nestjs-locker';
import { ClockedRedisStore } from '../support/lock-service.js';
import { type Agenda, ProcessClock } from './agenda.js';
import { PREFIX, type SimulatedRedis } from './simulated-redis.js';
import { Wire } from './wire.js';

export const STORE_TIMEOUT_MS = 500;

export interface ProcessTools {
  readonly agenda: Agenda;
  readonly redis: SimulatedRedis;
  readonly random: () => number;
  /** Puts a fault between a process and its store. */
  readonly wrapStore?: ((store: LockStore) => LockStore) | undefined;
  onEvent(process: SimulatedProcess, event: LockEvent): void;
}

/** A process of its own as far as the library can tell: a client, its clock and its connection. */
export class SimulatedProcess {
  readonly clock: ProcessClock;
  readonly wire: Wire;
  readonly client: LockClient;
  isCrashed = false;
  isStopped = false;
  /** When it went on for the last time. */
  resumedAt = 0;
  private timers: (() => void)[] = [];
  private received: (() => void)[] = [];
  private stops = 0;

  constructor(
    readonly name: string,
    rate: number,
    private readonly tools: ProcessTools,
  ) {
    const { agenda, redis, random } = tools;
    this.clock = new ProcessClock(agenda, rate, (task) => this.do(task, 'timers'));
    this.wire = new Wire({
      agenda,
      redis,
      random,
      perform: (task) => this.do(task, 'received'),
    });
    const store = new ClockedRedisStore(this.wire.client, this.clock, PREFIX);
    this.client = new LockClient({
      store: tools.wrapStore?.(store) ?? store,
      holder: { service: name, host: 'simulated', pid: 1 },
      storeTimeoutMs: STORE_TIMEOUT_MS,
      leakStacks: false,
      ttlMs: 1_000,
      waitMs: 0,
      emit: (event) => tools.onEvent(this, event as LockEvent),
    });
  }

  /** Whether its code runs: else nothing is done by it, nor believed. */
  get isRunning(): boolean {
    return !this.isCrashed && !this.isStopped;
  }

  perform(task: () => void): void {
    this.do(task, 'received');
  }

  stop(ms: number): void {
    this.isStopped = true;
    const stop = ++this.stops;
    this.tools.agenda.in(ms, () => {
      if (stop === this.stops) this.resume();
    });
  }

  resume(): void {
    if (!this.isStopped) return;
    const { agenda, random } = this.tools;
    this.isStopped = false;
    this.resumedAt = agenda.now;
    const { timers, received } = this;
    this.timers = [];
    this.received = [];
    const missed = random() < 0.5 ? [...timers, ...received] : [...received, ...timers];
    for (const task of missed) agenda.in(0, () => this.perform(task));
  }

  crash(isNoticed: boolean): void {
    this.isCrashed = true;
    if (isNoticed) this.wire.close();
  }

  private do(task: () => void, from: 'timers' | 'received'): void {
    if (this.isCrashed) return;
    if (this.isStopped) this[from].push(task);
    else task();
  }
}
