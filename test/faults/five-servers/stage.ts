import type { Redis } from 'ioredis';
import { parseMarker } from '../../../lib/stores/quorum/node-port.interface.js';
import { QuorumKeySpace } from '../../../lib/stores/quorum/quorum-keys.js';
import { checkJournal, type JournalReport } from '../../support/holding-journal.js';
import { RedisNodes } from '../../support/redis-nodes.js';
import { RedisServer } from '../../support/redis-server.js';
import { until } from '../../support/until.js';
import type { WorkerPlan, WorkerReport } from '../fixtures/quorum-worker.js';
import { Contender } from './contender.js';
import { JournalTail } from './journal-tail.js';
import type { WorkerPool } from './worker-pool.js';

export const TTL_MS = 2_000;
/** Machines may be busy with other things. */
const PATIENCE_MS = 40_000;

const NAME = 'ledger';
const KEYS = new QuorumKeySpace('lock');
const LEASE = KEYS.of(NAME).lease;

/** What is in place against the faults: the library's own protections, and the storage's look at the token. */
export interface Mode {
  readonly isProtected: boolean;
  readonly isGuarded: boolean;
}

/** What became of one scenario in one mode. */
export interface Outcome {
  readonly mode: Mode;
  readonly journal: JournalReport;
  readonly workers: readonly WorkerReport[];
  /** How often each kind was injected. */
  readonly faults: ReadonlyMap<string, number>;
  /** All of them, with the time in ms since the first. */
  readonly history: readonly string[];
}

export const canStepClocks = process.platform === 'linux';
export const ALL_NODES = [0, 1, 2, 3, 4] as const;

/** Five servers, a storage, workers, and all that is done to them. Nodes are told by index, from 0. */
export class Stage {
  static async open(mode: Mode, pool: WorkerPool): Promise<Stage> {
    const storage = await RedisServer.start();
    const nodes = await RedisNodes.start(ALL_NODES.length, { canStepClock: canStepClocks }).catch(
      async (error: unknown) => {
        await storage.stop();
        throw error;
      },
    );
    return new Stage(mode, pool, nodes, storage);
  }

  readonly contenders: Contender[] = [];
  private readonly journal: JournalTail;
  private readonly clients: readonly Redis[];
  private readonly faults = new Map<string, number>();
  private readonly history: string[] = [];
  private startedAt: number | undefined;

  private constructor(
    readonly mode: Mode,
    private readonly pool: WorkerPool,
    private readonly nodes: RedisNodes,
    private readonly storage: RedisServer,
  ) {
    this.journal = new JournalTail(storage.client(), `${NAME}:journal`);
    const once = { maxRetriesPerRequest: 0, commandTimeout: 500, retryStrategy: () => 20 };
    this.clients = nodes.servers.map((server) => server.client(once));
  }

  /** A worker that takes the name again and again; the first one founds the quorum. */
  async add(plan: Partial<WorkerPlan>, cutOffFrom: readonly number[] = []): Promise<Contender> {
    const links = await this.nodes.links();
    links.cutOff(...cutOffFrom);
    const { isProtected, isGuarded } = this.mode;
    const isFirst = this.contenders.length === 0;
    const worker = String.fromCharCode(97 + this.contenders.length);
    const process = this.pool.start({
      worker,
      module: {
        nodes: links.urls,
        ttl: TTL_MS,
        nodeTimeout: 250,
        storeTimeout: 1_000,
        connectTimeout: PATIENCE_MS,
        firstDeployment: isFirst,
      },
      storage: this.storage.url,
      name: NAME,
      journal: this.journal.key,
      acquire: { ttl: TTL_MS, wait: 0 },
      writes: 1e6,
      pauseMs: 25,
      looks: true,
      persists: true,
      isGuarded,
      isUnprotected: !isProtected,
      ...plan,
    });
    const contender = new Contender(worker, links, process, this.journal);
    this.contenders.push(contender);
    return contender;
  }

  /** Resolves once it is true of what the journal and the nodes say. */
  until(what: string, isTrue: () => boolean | Promise<boolean>): Promise<void> {
    const check = async () => {
      await this.journal.read();
      return isTrue();
    };
    return until(check, { what, timeoutMs: PATIENCE_MS }).catch(async (error: Error) => {
      const lines = [error.message, ...this.history, ...(await this.describe())];
      throw new Error(lines.join('\n  '), { cause: error });
    });
  }

  /** Lets time pass: until so much more stands in the journal, or it is true. */
  async pass(entries: number, isTrue: () => boolean = () => false): Promise<void> {
    await this.journal.read();
    const enough = this.journal.entries.length + entries;
    await this.until('time passes', () => this.journal.entries.length >= enough || isTrue());
  }

  /** Each worker that runs holds again, so many times. */
  async work(times = 1): Promise<void> {
    await this.journal.read();
    const running = this.contenders.filter(({ isStopped }) => !isStopped);
    const before = running.map((contender) => contender.count('begin'));
    await this.until('all hold again', () =>
      running.every((contender, i) => contender.count('begin') >= before[i]! + times),
    );
  }

  async kill(...which: number[]): Promise<void> {
    this.note('server killed', which);
    await this.nodes.kill(...which);
  }

  /** Crashes them if they run, and starts them empty. */
  async restart(...which: number[]): Promise<void> {
    this.note('server restarted empty', which);
    await this.nodes.restart(...which);
  }

  pause(...which: number[]): void {
    this.note('server stopped', which);
    this.nodes.pause(...which);
  }

  resume(...which: number[]): void {
    this.tell('server goes on', which);
    this.nodes.resume(...which);
  }

  async flush(which: number): Promise<void> {
    this.note('FLUSHALL', [which]);
    await this.clients[which]!.flushall();
  }

  step(which: number, ms: number): void {
    this.note('clock stepped', [which], `by ${ms} ms`);
    this.nodes.servers[which]!.stepClock(ms);
  }

  cutOff(contender: Contender, ...which: number[]): void {
    this.note('worker cut off', which, contender.name);
    contender.links.cutOff(...which);
  }

  /** Joins it to all nodes again. */
  heal(contender: Contender): void {
    this.tell('worker joined again', [], contender.name);
    contender.links.heal();
  }

  stop(contender: Contender): void {
    this.noteStopped(contender);
    contender.stop();
  }

  goOn(contender: Contender): void {
    this.tell('worker goes on', [], contender.name);
    contender.goOn();
  }

  noteStopped(contender: Contender): void {
    this.note('worker stopped', [], contender.name);
  }

  /** The token of the lease that a node has. */
  async leaseOn(which: number): Promise<number | undefined> {
    const lease = await this.clients[which]!.get(LEASE).catch(() => null);
    return lease === null ? undefined : Number(lease.split(' ')[1]);
  }

  leases(): Promise<(number | undefined)[]> {
    return Promise.all(ALL_NODES.map((which) => this.leaseOn(which)));
  }

  /** For how long a node still has a lease, in ms; negative if it has none. */
  leftOn(which: number): Promise<number> {
    return this.clients[which]!.pttl(LEASE).catch(() => -1);
  }

  /** Whether a node says of itself that it votes. */
  async votes(which: number): Promise<boolean> {
    const text = await this.clients[which]!.get(KEYS.marker).catch(() => null);
    return text !== null && parseMarker(text)?.state === 'voting';
  }

  untilVotes(...which: number[]): Promise<void> {
    return this.until(`${which.map((i) => `n${i}`).join(', ')} vote`, async () => {
      const votes = await Promise.all(which.map((each) => this.votes(each)));
      return votes.every(Boolean);
    });
  }

  /** Has the workers come to their end, and tells what the storage has seen of them. */
  async finish(): Promise<Outcome> {
    for (const contender of this.contenders) {
      contender.links.heal();
      if (contender.isStopped) contender.goOn();
      contender.tellToEnd();
    }
    const workers = await Promise.all(this.contenders.map((contender) => contender.report()));
    this.pool.takeBack();
    await this.journal.read();
    const { mode, faults, history } = this;
    return { mode, faults, history, workers, journal: checkJournal(this.journal.entries) };
  }

  async close(): Promise<void> {
    await Promise.all([this.nodes.stop(), this.storage.stop(), this.pool.abandon()]);
  }

  /** How all stands. */
  private async describe(): Promise<string[]> {
    const nodes = this.clients.map(async (client, which) => {
      const marker = await client.get(KEYS.marker).catch((error: Error) => error.message);
      const time = await client.time().catch(() => []);
      return `n${which} has the lease ${await this.leaseOn(which)}, is at ${String(time)}: ${marker}`;
    });
    const workers = this.contenders.map((contender) => {
      const { name, token = 'nothing' } = contender;
      return `${name} holds ${token}, has asked ${contender.count('ask')} times and held ${contender.count('begin')}`;
    });
    return [...workers, ...(await Promise.all(nodes))];
  }

  private note(kind: string, which: readonly number[], more = ''): void {
    this.tell(kind, which, more);
    this.faults.set(kind, (this.faults.get(kind) ?? 0) + Math.max(1, which.length));
  }

  private tell(kind: string, which: readonly number[], more = ''): void {
    this.startedAt ??= performance.now();
    const ms = Math.round(performance.now() - this.startedAt);
    const nodes = which.map((i) => `n${i}`).join(', ');
    this.history.push(`${ms} ms: ${[kind, more, nodes].filter(Boolean).join(' ')}`);
  }
}
