import { markerText, type NodePort } from '../../../lib/stores/quorum/node-port.interface.js';
import { entryFrom } from '../../../lib/stores/quorum/outcome-record.js';
import { standingOf } from '../../../lib/stores/quorum/outcome-view.js';
import { Agenda } from '../agenda.js';
import { Call } from './call.js';
import { History } from './history.js';
import { Invariants } from './invariants.js';
import { NodeHost } from './node-host.js';
import type { StepFaults } from './node-steps.js';
import { OnceCalls } from './once-calls.js';
import { QuorumProcess, type QuorumProcessTools } from './quorum-process.js';
import { randomFrom } from './random.js';
import { NAMES, type NodeStart, type Schedule, type Step, type Take } from './schedule.js';
import { SimulatedNode } from './simulated-node.js';

/** All nodes' clocks at the beginning: some day in 2026. */
const START_MICROS = 1_795_000_000_000_000;
const HOUR_MICROS = 3_600_000_000;
/** What everybody needs to settle, however unlucky, once there are no troubles any more. */
const AFTERWARDS_MS = 600_000;
/** By then quarantines are over, cleaners have given up and whatever is left over has expired. */
const REMAINS_MS = 60_000;
const PROBE = { name: NAMES[0]!, waitMs: 10_000, ttl: 1, renews: true, holdMs: 0 };
/** By then what nobody holds any more is released everywhere, however long it would last. */
const CLEANED_MS = 3_000;
/** A clock that is right again keeps its node from voting for another ttl; with too few others, for longer. */
const NOTICING_MS = 1_000;
const RECOVERY_MS = 10_000;
const LEARNING_MS = 2_000;

export interface WorldOptions {
  readonly isTraced?: boolean;
  readonly faults?: StepFaults | undefined;
  readonly wrapPort?: ((port: NodePort) => NodePort) | undefined;
}

/** Some processes over some nodes, of which a schedule tells what happens to them. */
export class World {
  readonly invariants: Invariants;
  /** Who could not tell the end of what. */
  private readonly untold = new Set<string>();
  private readonly agenda: Agenda;
  private readonly history: History | undefined;
  private readonly random: () => number;
  private readonly hosts: readonly NodeHost[];
  private readonly processes: QuorumProcess[] = [];
  private readonly tools: QuorumProcessTools;
  private isHealed = false;
  private wereTooFewIntact = false;
  private hasVotedByTime = false;
  private readonly onceCalls: OnceCalls;

  constructor(
    private readonly schedule: Schedule,
    private readonly options: WorldOptions = {},
  ) {
    const { seed, processes, nodes, isFirstDeployment, maxTtlMs } = schedule;
    const random = randomFrom(seed);
    const agenda = new Agenda(() => this.invariants.check());
    const now = (): number => agenda.now;
    const history = options.isTraced ? new History(now, START_MICROS) : undefined;
    this.agenda = agenda;
    this.history = history;
    this.random = random;
    const token = (value: number): string => history?.token(value) ?? String(value);
    this.invariants = new Invariants({
      now,
      token,
      nodes: () => this.hosts.map(({ node }) => node),
      areTokensOrdered: () => this.areTokensOrdered(),
    });
    this.onceCalls = new OnceCalls({
      agenda,
      token,
      fail: (what) => this.invariants.fail(what),
      note: (what) => history?.note(what),
      givenAt: (owner) => this.invariants.firstGivenAt(owner),
      isRemembered: () => !this.wereTooFewIntact && !this.hasVotedByTime,
      comesBackOlder: schedule.steps.some(
        ([, step]) => step.type === 'down' && step.keeps === 'a snapshot',
      ),
    });
    this.hosts = nodes.map((node, i) => new NodeHost(this.node(`n${i + 1}`, node), agenda));
    this.tools = {
      agenda,
      random,
      history,
      hosts: this.hosts,
      isFirstDeployment,
      maxTtlMs,
      wrapPort: options.wrapPort,
      onEvent: ({ name }, event) => {
        const told = 'fencingToken' in event ? ` ${token(event.fencingToken)}` : '';
        this.history?.note(`${name}: ${event.type}${told}`);
        if (event.type === 'processed') this.onceCalls.processed(event.name);
        const isOnce = event.type === 'release-failed' && !NAMES.includes(event.name);
        if (isOnce) this.untold.add(`${name} ${event.name}`);
      },
    };
    processes.forEach((rate, i) => this.processes.push(this.start(`P${i + 1}`, rate)));
  }

  /** @throws what is wrong, with all that happened if it is traced */
  async run(): Promise<void> {
    const { random } = Math;
    Math.random = this.random; // of pauses and retries
    try {
      await this.follow();
    } finally {
      Math.random = random;
    }
    const { violation } = this.invariants;
    if (violation) throw new Error([violation, ...(this.history?.lines ?? [])].join('\n'));
  }

  private node(name: string, start: NodeStart): SimulatedNode {
    const { areCountersAhead, isFirstDeployment } = this.schedule;
    const { wander, offsetMs, isDurable, lead } = start;
    const startMicros = START_MICROS + offsetMs * 1_000;
    const node: SimulatedNode = new SimulatedNode({
      name,
      now: () => this.agenda.now,
      startMicros,
      wander,
      isDurable,
      faults: this.options.faults,
      watch: {
        onEarlyEnd: (leased, { owner }, cause) => {
          const { now } = this.agenda;
          this.invariants.earlyEnds.push({ node, name: leased, owner, cause, at: now });
          const { history } = this;
          history?.note(
            `     ${name} has "${leased}" of ${history.owner(owner)} no longer: ${cause}`,
          );
        },
        onGiven: (_, owner) => this.invariants.given(node, owner),
        onVotingByTime: () => (this.hasVotedByTime = true),
        onForgotten: () => this.checkIntact(),
      },
    });
    if (areCountersAhead) node.data.raiseAll(START_MICROS + HOUR_MICROS + lead);
    if (!isFirstDeployment) {
      const times = { sinceMs: Math.floor(startMicros / 1_000), votesFromMs: 0, isByMost: false };
      const own = { runId: node.runId, isDurable, maxTtlMs: this.schedule.maxTtlMs };
      node.data.marker = markerText({ state: 'voting', reason: 'first', ...own, ...times });
    }
    return node;
  }

  private checkIntact(): void {
    const intact = this.hosts.filter(({ node }) => !node.hasForgotten).length;
    this.wereTooFewIntact ||= intact <= this.hosts.length / 2;
  }

  /**
   * Tokens of nodes that forgot are carried on by as many others as a majority has, or else by time: then
   * the clocks have to be right.
   */
  private areTokensOrdered(): boolean {
    if (!this.wereTooFewIntact) return true;
    const isStepped = this.hosts.some(({ node }) => node.steps.length > 0);
    return !isStepped && !this.schedule.areCountersAhead;
  }

  private async follow(): Promise<void> {
    const { agenda, invariants, hosts } = this;
    const isWrong = (): boolean => invariants.violation !== undefined;
    for (const [pauseMs, step] of this.schedule.steps) {
      await agenda.pass(pauseMs, isWrong);
      this.note(step);
      this.take(step);
      await agenda.pass(0, isWrong);
    }
    this.heal();
    await agenda.pass(hosts.length * 100, isWrong);
    const areOver = (): boolean =>
      this.onceCalls.areOver && invariants.calls.every(({ isOver }) => isOver);
    await agenda.pass(AFTERWARDS_MS, () => isWrong() || areOver());
    invariants.checkDeadlines(agenda.now);
    await agenda.pass(CLEANED_MS, isWrong);
    for (const { node } of hosts) this.checkCleaned(node);
    // What a node has forgotten is noticed when it is asked for a vote, and what others have written there.
    const { maxTtlMs } = this.schedule;
    for (const ms of [maxTtlMs + NOTICING_MS, maxTtlMs + RECOVERY_MS, LEARNING_MS]) {
      for (const process of this.processes) this.call(process, { ...PROBE, waitMs: 0 });
      await agenda.pass(ms, isWrong);
    }
    // With too few intact, time has to pass what clocks have ever shown.
    if (this.wereTooFewIntact) await agenda.pass(furthestAhead(this.schedule), isWrong);
    await this.probe();
    await agenda.pass(AFTERWARDS_MS, () => isWrong() || areOver());
    invariants.checkDeadlines(agenda.now);
    await agenda.pass(REMAINS_MS, isWrong);
    this.onceCalls.checkSettled();
    for (const { node } of hosts) this.checkRemains(node);
  }

  /** Nothing is in anybody's way any more. */
  private heal(): void {
    this.history?.note('all is healed');
    this.isHealed = true;
    this.hosts.forEach((host, i) => {
      host.thaw();
      if (!host.isUp) host.restart('all');
      // One after the other: else every process would take it for its own clock.
      this.agenda.in(i * 100, () => host.node.setRight(2 * this.schedule.maxTtlMs));
    });
    for (const process of this.processes) {
      for (const port of process.ports) port.heal();
      process.resume();
    }
  }

  /** Whoever waits for a free name gets it. */
  private async probe(): Promise<void> {
    const { agenda, invariants } = this;
    const probes = NAMES.map((name) => this.call(this.processes[0]!, { ...PROBE, name }));
    const isEnough = (): boolean =>
      invariants.violation !== undefined || probes.every(({ outcome }) => outcome !== undefined);
    await agenda.pass(AFTERWARDS_MS, isEnough);
    for (const { title, outcome } of probes) {
      if (outcome !== 'held') invariants.fail(`${title} was refused a free name: ${outcome}`);
    }
  }

  /** Only who died leaves anything to its ttl, and what comes when nobody expects it any more. */
  private checkCleaned(node: SimulatedNode): void {
    const { name, data, micros, restoredMicros } = node;
    if (!node.isVoting || this.schedule.steps.some(([, step]) => bringsLate(step))) return;
    data.expire(Math.floor(micros / 1_000), () => undefined);
    for (const [leased, { holder, owner, since }] of data.leases) {
      const process = this.processes.find((each) => each.name === holder.service);
      if (!process || since < restoredMicros) continue;
      // Until its end has been told to a majority, its lock keeps others out.
      if (this.untold.has(`${process.name} ${leased}`)) continue;
      const told = this.history?.owner(owner) ?? owner;
      this.invariants.fail(
        `${name} still has "${leased}" of ${told}, which ${process.name} gave up`,
      );
    }
  }

  private checkRemains(node: SimulatedNode): void {
    const { invariants } = this;
    const { name, data, runId, micros } = node;
    data.expire(Math.floor(micros / 1_000), () => undefined);
    if (data.leases.size > 0) invariants.fail(`${name} has a lease that nobody has any more`);
    if (data.waiters.size > 0) invariants.fail(`${name} has waiters, and nobody waits`);
    if (this.schedule.steps.every(([, { type }]) => CALM.has(type))) this.checkRecords(node);
    if (!node.isVoting) {
      invariants.fail(`${name} (${runId}) does not vote again: ${data.marker}`);
    }
  }

  /** Nobody has to remember what is open again, where all nodes knew. */
  private checkRecords({ name, data, micros }: SimulatedNode): void {
    for (const [element, { text }] of data.records.texts) {
      const { last, processed } = standingOf(entryFrom(text), micros / 1_000);
      if (!last && processed.length === 0) {
        this.invariants.fail(`${name} has a record of "${element}", which is open: ${text}`);
      }
    }
  }

  private take(step: Step): void {
    const { agenda } = this;
    switch (step.type) {
      case 'take':
        this.call(this.processOf(step.process), step);
        break;
      case 'once':
        this.onceCalls.start(this.processOf(step.process), step);
        break;
      case 'cancel': {
        const call = this.invariants.calls[step.index];
        call?.process.perform(() => call.cancelling.abort(new Error('cancelled')));
        break;
      }
      case 'stop':
        this.processOf(step.process).stop(step.forMs);
        break;
      case 'crash': {
        const process = this.processOf(step.process);
        process.crash();
        const at = this.processes.indexOf(process);
        this.processes[at] = this.start(`${process.name}'`, this.schedule.processes[at]!);
        break;
      }
      case 'link':
        for (const process of this.processesOf(step.process)) {
          const { node } = step;
          const ports = node === undefined ? process.ports : [at(process.ports, node)];
          for (const port of ports) port.suffer(step);
        }
        break;
      case 'down':
        for (const host of this.hostsOf(step.nodes)) {
          host.kill(step.isNoticed);
          const { starts } = host;
          agenda.in(step.forMs, () => {
            if (host.starts === starts) host.restart(this.mayForget(host) ? step.keeps : 'all');
          });
        }
        break;
      case 'freeze':
        for (const host of this.hostsOf(step.nodes)) host.freeze(step.forMs);
        break;
      case 'flush':
        for (const host of this.hostsOf(step.nodes)) {
          if (this.mayForget(host)) host.node.flush();
        }
        break;
      case 'clock':
        for (const { node } of this.hostsOf(step.nodes)) {
          node.step(step.byMs);
          if (step.forMs === Infinity) continue;
          agenda.in(step.forMs, () => {
            if (!this.isHealed) node.step(-step.byMs);
          });
        }
        break;
      case 'evict':
        for (const { node } of this.hostsOf(step.nodes)) node.evict(step.name);
        break;
    }
  }

  /** Nodes that are all blank are a first deployment to whoever is told that it may be one. */
  private mayForget(host: NodeHost): boolean {
    const { hosts, schedule } = this;
    const others = hosts.filter((other) => other !== host);
    return !schedule.isFirstDeployment || others.some(({ node }) => node.data.marker !== null);
  }

  private processOf(index: number): QuorumProcess {
    return at(this.processes, index);
  }

  private processesOf(index: number | undefined): readonly QuorumProcess[] {
    return index === undefined ? this.processes : [this.processOf(index)];
  }

  private hostsOf(indices: readonly number[]): Set<NodeHost> {
    return new Set(indices.map((index) => at(this.hosts, index)));
  }

  private call(process: QuorumProcess, take: Omit<Take, 'type' | 'process'>): Call {
    const { calls } = this.invariants;
    const call = new Call(calls.length, process, take);
    calls.push(call);
    process.perform(() => {
      call.askedAt = this.agenda.now;
      void this.settle(call);
    });
    return call;
  }

  private async settle(call: Call): Promise<void> {
    const { take, process } = call;
    const { name, waitMs: wait, holdMs, renews: renew } = take;
    const ttl = take.ttl * this.schedule.maxTtlMs;
    const { signal } = call.cancelling;
    try {
      const lock = await process.client.acquire(name, { wait, ttl, renew, signal });
      call.lock = lock;
      call.outcome = 'held';
      this.invariants.started(call);
      process.clock.setTimer(() => void lock.release().catch(() => undefined), holdMs);
    } catch (error) {
      call.outcome = `${(error as Error).name}: ${(error as Error).message}`;
    }
    call.settledAt = this.agenda.now;
    this.history?.note(`${call.title}: ${call.outcome}`);
  }

  private start(name: string, rate: number): QuorumProcess {
    return new QuorumProcess(name, rate, this.tools);
  }

  private note(step: Step): void {
    this.history?.note(`*** ${JSON.stringify(step)}`);
  }
}

/** Nothing goes wrong. */
const CALM = new Set<Step['type']>(['take', 'once', 'cancel']);

const bringsLate = (step: Step): boolean =>
  step.type === 'link' &&
  (step.what === 'late' ||
    step.what === 'doubled' ||
    ((step.what === 'cut' || step.what === 'reset') && !step.isHarsh));

/** By how much any clock has ever been ahead, in ms. */
const furthestAhead = ({ steps }: Schedule): number =>
  steps.reduce((sum, [, step]) => sum + (step.type === 'clock' ? Math.max(0, step.byMs) : 0), 0);

/** Schedules name more processes and nodes than there may be. */
const at = <T>(all: readonly T[], index: number): T => all[index % all.length]!;
