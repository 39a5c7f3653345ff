import type { Redis } from 'ioredis';
import type { LockStore, Subject } from 'nestjs-locker';
import { Agenda } from './agenda.js';
import { Call } from './call.js';
import { Invariants } from './invariants.js';
import { PERMITS, type Schedule, type Step, type Take } from './schedule.js';
import { SimulatedProcess, type ProcessTools } from './simulated-process.js';
import { type ScriptSources, SimulatedRedis } from './simulated-redis.js';

const NAMES = ['a', 'b', 'c'];
/** What everybody needs to settle, however unlucky, once there are no troubles any more. */
const AFTERWARDS_MS = 600_000;
/** By then cleaners have given up and whatever is left over has expired. */
const REMAINS_MS = 60_000;

export interface WorldOptions {
  readonly redis: Redis;
  readonly isCalm?: boolean;
  readonly sources?: ScriptSources | undefined;
  readonly wrapStore?: ((store: LockStore) => LockStore) | undefined;
}

/** Some processes over one Redis, of which a schedule tells what happens to them. */
export class World {
  readonly trace: string[] = [];
  private readonly agenda: Agenda;
  private readonly redis: SimulatedRedis;
  private readonly invariants: Invariants;
  private readonly processes: SimulatedProcess[] = [];
  private readonly tools: ProcessTools;

  constructor(
    private readonly schedule: Schedule,
    options: WorldOptions,
  ) {
    const { kind, seed, rates } = schedule;
    const names = kind === 'several names' ? NAMES : NAMES.slice(0, 1);
    const random = mulberry32(seed);
    const subjects = names.map((name): Subject => ({
      name,
      kind: kind === 'semaphore' ? 'semaphore' : 'lock',
    }));
    this.agenda = new Agenda(() => this.invariants.check());
    const { agenda } = this;
    const redis = new SimulatedRedis(
      options.redis,
      subjects,
      () => agenda.now * 1_000,
      options.sources,
    );
    this.redis = redis;
    this.invariants = new Invariants({
      kind,
      names,
      isCalm: options.isCalm ?? false,
      serverNowMs: () => redis.nowMs,
      states: () => redis.states,
    });
    this.invariants.startMs = redis.nowMs;
    redis.onRun = (run) => this.invariants.served(run);
    redis.onMessage = (channel, message) => {
      for (const { wire } of this.processes) wire.deliver(channel, message);
    };
    this.tools = {
      agenda,
      redis,
      random,
      wrapStore: options.wrapStore,
      onEvent: (process, event) => {
        this.note(
          `${process.name}: ${event.type} ${'fencingToken' in event ? event.fencingToken : ''}`,
        );
        if (event.type === 'acquired') this.invariants.begun(event.name, event.fencingToken);
      },
    };
    rates.forEach((rate, i) => this.processes.push(this.start(`P${i}`, rate)));
  }

  /** @throws what is wrong, with all that happened */
  async run(): Promise<void> {
    const { random } = Math;
    Math.random = this.tools.random; // of pauses and retries
    try {
      await this.redis.prepare();
      await this.follow();
    } finally {
      Math.random = random;
    }
    const { violation } = this.invariants;
    if (violation) throw new Error([violation, ...this.trace].join('\n  '));
  }

  private async follow(): Promise<void> {
    const { agenda, invariants } = this;
    const isWrong = (): boolean => invariants.violation !== undefined;
    for (const [pauseMs, step] of this.schedule.steps) {
      await agenda.pass(pauseMs, isWrong);
      this.note(JSON.stringify(step));
      await this.take(step);
      await agenda.pass(0, isWrong);
    }
    for (const process of this.processes) {
      process.wire.heal();
      process.resume();
    }
    const areOver = (): boolean => invariants.calls.every(({ isOver }) => isOver);
    await agenda.pass(AFTERWARDS_MS, () => isWrong() || areOver());
    invariants.checkDeadlines(agenda.now);
    await agenda.pass(REMAINS_MS, isWrong);
    const remains = await this.redis.remains();
    if (remains.length > 0) invariants.fail(`left in Redis: ${remains.join(', ')}`);
  }

  private async take(step: Step): Promise<void> {
    const { calls } = this.invariants;
    if (step.type === 'take') this.call(step);
    else if (step.type === 'cancel') {
      const call = calls[step.index];
      call?.process.perform(() => call.cancelling.abort(new Error('cancelled')));
    } else if (step.type === 'trouble') this.processes[step.process]!.wire.suffer(step);
    else if (step.type === 'stop') this.processes[step.process]!.stop(step.forMs);
    else if (step.type === 'flush') {
      await this.redis.forgetAll();
      this.invariants.flushed();
    } else {
      const { name } = this.processes[step.process]!;
      this.processes[step.process]!.crash(step.isNoticed);
      this.processes[step.process] = this.start(`${name}'`, this.schedule.rates[step.process]!);
    }
  }

  private call(take: Take): void {
    const process = this.processes[take.process]!;
    process.perform(() => {
      const { calls } = this.invariants;
      const names = take.names.map((index) => NAMES[index]!);
      const call = new Call(calls.length, process, take, names, this.agenda.now);
      calls.push(call);
      void this.settle(call);
    });
  }

  private async settle(call: Call): Promise<void> {
    const { take, process, names } = call;
    const { waitMs: wait, ttlMs: ttl, count } = take;
    const { signal } = call.cancelling;
    const { client } = process;
    try {
      const lock = await (this.schedule.kind === 'semaphore'
        ? client.semaphore(names[0]!, PERMITS).acquire({ count, wait, ttl, signal })
        : client.acquire(names.length === 1 ? names[0]! : names, {
            wait,
            ttl,
            signal,
            mode: take.isShared ? 'shared' : 'exclusive',
          }));
      call.lock = lock;
      call.outcome = 'held';
      this.invariants.started(call);
      process.clock.setTimer(() => void lock.release().catch(() => undefined), take.holdMs);
    } catch (error) {
      call.outcome = (error as Error).name;
    }
    call.settledAt = this.agenda.now;
    this.note(`${call.title}: ${call.outcome}`);
  }

  private start(name: string, rate: number): SimulatedProcess {
    return new SimulatedProcess(name, rate, this.tools);
  }

  private note(what: string): void {
    this.trace.push(`${this.agenda.now.toFixed(1)} ${what}`);
  }
}

/** Random numbers that are the same for the same seed. */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
