import { type Clock, systemClock } from '../../core/clock.js';
import { LockOptionsError } from '../../lock.errors.js';
import type {
  AcquireReply,
  AcquireRequest,
  HandOverListener,
  Holder,
  LeaseRecord,
  LockStore,
  NameRecord,
  NodeStatus,
  ReleaseOutcome,
  ReleaseRequest,
  RenewReply,
  RenewRequest,
  StoreWatcher,
  Subject,
  TransferRequest,
} from '../lock-store.interface.js';
import type { HandOverFacts, StoreSurvey, SurveyRequest } from '../survey.interface.js';
import { Attempt, type AttemptResult } from './attempt.js';
import { Electorate } from './electorate.js';
import { toLeaseRecord } from './lease-finding.js';
import { LeaseQueries } from './lease-queries.js';
import type { AcquireStep, NodePort } from './node-port.interface.js';
import { tooFewNodes, tooFewVotes } from './quorum-errors.js';
import { QuorumOutcomes } from './quorum-outcomes.js';
import { QuorumReports } from './quorum-reports.js';
import { surveyNodes } from './quorum-survey.js';
import { release } from './release.js';
import { Renewal, type RenewalHow } from './renewal.js';

/** After a split vote, in ms: doubled each time, at random below that. */
const FIRST_BACK_OFF_MS = 2;
const LONGEST_BACK_OFF_MS = 64;

export interface QuorumLockStoreOptions {
  readonly clock?: Clock;
  /** How long a lease may last without renewal, and so how long a node that has forgotten does not vote. */
  readonly maxTtlMs: number;
  /** After how long without an answer nobody waits for a node any more. */
  readonly nodeTimeoutMs: number;
  readonly isFirstDeployment: boolean;
  /** It looks on, and changes nothing of what nodes keep about themselves. Default: false. */
  readonly isObserver?: boolean;
  readonly random?: () => number;
}

/** How many acquisitions took one round, and how many two or more. */
export interface RoundCounts {
  readonly one: number;
  readonly more: number;
}

/**
 * Leases on a majority of independent nodes.
 *
 * @see https://redis.io/docs/latest/develop/clients/patterns/distributed-locks/ Redlock
 */
export class QuorumLockStore implements LockStore {
  readonly clock: Clock;
  readonly maxTtlMs: number;
  readonly refusals = {
    semaphores:
      'there are no semaphores over several nodes: each holder has a majority of them, so that a second one could not. ' +
      'Give semaphores a LockModule of one Redis (name: …).',
    sharedLocks:
      'there are no shared locks over several nodes: those that wait have no common queue, so that readers that come ' +
      'and go would keep a writer out for ever. Use an exclusive lock, or a LockModule of one Redis (name: …).',
  };

  readonly outcomes: QuorumOutcomes;
  readonly reports?: QuorumReports;
  private readonly electorate: Electorate;
  private readonly queries: LeaseQueries;
  private readonly random: () => number;
  private readonly nodeTimeoutMs: number;
  private listener: HandOverListener | undefined;
  private attempts = 0;
  private rounds = { one: 0, more: 0 };
  private holder: Holder | undefined;
  /** Those whose answers have not all come, by owner. */
  private readonly unfinished = new Map<string, Attempt>();
  private readonly renewals = new Map<string, Renewal>();
  private whenChanged: (() => void)[] = [];
  private watcher: StoreWatcher | undefined;
  /** Why nodes do not tell of names that become free. */
  private refusal: Error | null = null;
  private hasWaiters = false;

  constructor(
    ports: readonly NodePort[],
    { clock = systemClock, random = Math.random, ...options }: QuorumLockStoreOptions,
  ) {
    this.clock = clock;
    this.random = random;
    this.maxTtlMs = options.maxTtlMs;
    this.nodeTimeoutMs = options.nodeTimeoutMs;
    this.electorate = new Electorate(ports, { clock, ...options });
    const reports = ports.flatMap((port) => port.reports ?? []);
    if (reports.length > 0) this.reports = new QuorumReports(reports, options.nodeTimeoutMs);
    this.queries = new LeaseQueries(this.electorate);
    this.outcomes = new QuorumOutcomes(this.electorate, clock, {
      acquire: (request) => this.take(request),
      release: (request) => this.giveBack(request),
    });
    this.electorate.watcher = {
      onDoubt: () => this.watcher?.onDoubt(),
      onNode: (status) => {
        this.watcher?.onNode(status);
        if (status.state !== 'voting') return;
        this.outcomes.payOwed();
        // Those that could not be asked before may be asked now.
        this.listener?.onReconnect();
      },
    };
    this.electorate.onFreed = (name) => this.listener?.onFreed(name);
    this.electorate.onListening = (refusal) => {
      this.refusal = refusal ?? null;
      if (refusal) this.listener?.onSilence(refusal);
      else this.listener?.onReconnect();
    };
  }

  get description(): string {
    return `${this.electorate.nodes.length} nodes: ${this.electorate.nodes.map((node) => node.description).join(', ')}`;
  }

  get notices(): readonly string[] {
    return this.electorate.notices;
  }

  get lastError(): Error | undefined {
    const { votingCount, majority } = this.electorate;
    return votingCount < majority ? tooFewNodes(this.electorate) : undefined;
  }

  /** How often the votes agreed at once. */
  get roundCounts(): RoundCounts {
    return this.rounds;
  }

  /** Opens all connections; resolves once a majority votes, and every node that can be reached has been looked at. */
  async connect(): Promise<void> {
    const { electorate } = this;
    const wake = (): void => {
      for (const changed of this.whenChanged.splice(0)) changed();
    };
    electorate.onLook = wake;
    electorate.open();
    let isPatient = true;
    const timer = this.clock.setTimer(() => {
      isPatient = false;
      wake();
    }, this.nodeTimeoutMs);
    for (;;) {
      if (electorate.refusal) throw electorate.refusal;
      const isReady = electorate.votingCount >= electorate.majority;
      if (isReady && (electorate.areLookedAt || !isPatient)) return timer.clear();
      await new Promise<void>((resolve) => this.whenChanged.push(resolve));
    }
  }

  listen(listener: HandOverListener): void {
    this.listener = listener;
  }

  watch(watcher: StoreWatcher): void {
    this.watcher = watcher;
  }

  nodes(): readonly NodeStatus[] {
    return this.electorate.statuses;
  }

  tellsHandOvers(): boolean {
    return this.electorate.isToldOfFreed;
  }

  survey(request: SurveyRequest): Promise<StoreSurvey> {
    return surveyNodes(this.electorate, request, () => this.handOvers());
  }

  private handOvers(): HandOverFacts {
    const { refusal: error } = this;
    if (this.tellsHandOvers()) return { how: 'push', error: null };
    return { how: error ? 'polling' : this.hasWaiters ? 'connecting' : 'untried', error };
  }

  async acquire(request: AcquireRequest): Promise<AcquireReply> {
    this.refuseUnfit(request);
    const { once } = request;
    return once ? this.outcomes.begin(request, once) : this.take(request);
  }

  private async take(request: AcquireRequest): Promise<AcquireReply> {
    this.holder = request.holder;
    const { registration } = request;
    if (registration) {
      this.hasWaiters = true;
      for (const { port } of this.electorate.nodes) port.listenTo();
    }
    const startedAt = this.clock.now();
    for (let tries = 0; ; tries++) {
      const sentAt = this.clock.now();
      const { owner, result } = await this.attempt(request, tries);
      if (result.type === 'held') return this.toGrant(owner, result);
      if (result.type === 'failed') {
        // Nodes may have got another marker while nobody asked them, or their clocks have run apart.
        const isOutvoted = this.electorate.votingCount < this.electorate.majority;
        if (tries > 0 || !(isOutvoted || result.wasAhead)) throw this.failure(result);
        if (isOutvoted) await this.electorate.untilVoting();
        continue;
      }
      const isLate = this.clock.now() - startedAt >= this.nodeTimeoutMs;
      if (!result.isSplit || isLate) return this.toBusy(request, result);
      await this.backOff(tries, result.goesFirst ? 0 : this.clock.now() - sentAt);
    }
  }

  async renew(requests: readonly RenewRequest[]): Promise<readonly RenewReply[]> {
    const voters = this.electorate.nodes.filter((node) => node.canVote);
    return Promise.all(
      requests.map((request) => this.startRenewal(request, request.owner, this.holder).run(voters)),
    );
  }

  /** Once its owner has released, nobody is given the lease any more. */
  private startRenewal(
    request: RenewRequest,
    owner: string,
    holder: Holder | undefined,
    how: Pick<RenewalHow, 'step' | 'newOwner'> = {},
  ): Renewal {
    const renewal = new Renewal(request, this.electorate, holder, {
      ...how,
      clock: this.clock,
      ended: () => {
        if (this.renewals.get(owner) === renewal) this.renewals.delete(owner);
      },
    });
    this.renewals.get(owner)?.stop();
    this.renewals.set(owner, renewal);
    return renewal;
  }

  transfer(request: TransferRequest): Promise<RenewReply> {
    const { name, owner, fencingToken, newOwner, ttlMs, holder } = request;
    const voters = this.electorate.nodes.filter((node) => node.canVote);
    const step = { type: 'transfer', name, owner, fencingToken, newOwner, ttlMs, holder } as const;
    this.renewals.get(owner)?.stop();
    return this.startRenewal(request, newOwner, holder, { step, newOwner }).run(voters);
  }

  release(request: ReleaseRequest): Promise<ReleaseOutcome> {
    const { outcome } = request;
    return outcome ? this.outcomes.end(request, outcome) : this.giveBack(request);
  }

  private giveBack(request: ReleaseRequest): Promise<ReleaseOutcome> {
    this.renewals.get(request.owner)?.stop();
    return release(this.electorate, request, this.unfinished.get(request.owner), this.clock.now());
  }

  detached(owner: string): void {
    this.unfinished.get(owner)?.leave();
    this.renewals.get(owner)?.stop();
  }

  /** Of semaphores there are none. */
  async inspect({ name, kind }: Subject): Promise<NameRecord> {
    if (kind === 'semaphore') return { holders: [], waiting: 0, permits: 0 };
    return this.queries.inspect(name);
  }

  async forceRelease(
    { name, kind }: Subject,
    fencingToken?: number,
  ): Promise<readonly LeaseRecord[]> {
    return kind === 'semaphore' ? [] : this.queries.forceRelease(name, fencingToken);
  }

  async close(): Promise<void> {
    for (const changed of this.whenChanged.splice(0)) changed();
    await this.outcomes.flush();
    await this.electorate.close();
  }

  private async attempt(request: AcquireRequest, tries: number) {
    const { name, ttlMs, tokens, registration, holder } = request;
    const { electorate, clock } = this;
    const { majority, nodes } = electorate;
    const voters = electorate.demandVoters(electorate.orderFor(name));
    // Whoever was given it already asks for the same again.
    const owner = request.owner.includes('.')
      ? request.owner
      : `${request.owner}.${++this.attempts}`;
    const isAgain = registration !== undefined && registration.number > 1;
    const isFirst = registration === undefined || (tries === 0 && !isAgain);
    const step: AcquireStep = {
      type: 'acquire',
      name,
      owner,
      ttlMs: isAgain ? registration.claimMs : ttlMs,
      proposal: electorate.propose(),
      tokens,
      holder,
      waitMs: registration?.claimMs ?? 0,
    };
    const learn = (token: number): void => electorate.learn(token);
    const finished = (): void => void this.unfinished.delete(owner);
    const tools = { clock, majority, nodeCount: nodes.length, isFirst, learn, finished };
    const attempt = new Attempt(step, voters, tools);
    const result = await attempt.run();
    if (result.type === 'held' && !attempt.isFinished) this.unfinished.set(owner, attempt);
    return { owner, result };
  }

  private toGrant(owner: string, held: AttemptResult & { type: 'held' }): AcquireReply {
    const { fencingToken, lastToken, isWaitedFor, rounds } = held;
    if (rounds === 1) this.rounds.one++;
    else this.rounds.more++;
    return { status: 'granted', owner, fencingToken, lastToken, isWaitedFor };
  }

  private toBusy(
    { registration }: AcquireRequest,
    { lease }: AttemptResult & { type: 'refused' },
  ): AcquireReply {
    const place = registration ? 1 : 0;
    return { status: 'busy', place, lease: lease ? toLeaseRecord(lease) : null };
  }

  private failure({ reason, errors }: AttemptResult & { type: 'failed' }): Error {
    if (reason === 'too-late') {
      return new Error('the votes came later than the lease would have lasted');
    }
    const { votingCount, majority } = this.electorate;
    return votingCount < majority ? tooFewNodes(this.electorate) : tooFewVotes(errors);
  }

  /** Those that split the votes try again at moments of their own, all but one of them a round later. */
  private backOff(tries: number, leastMs: number): Promise<void> {
    const longest = Math.min(FIRST_BACK_OFF_MS * 2 ** tries, LONGEST_BACK_OFF_MS);
    return new Promise((resolve) => {
      this.clock.setTimer(resolve, leastMs + this.random() * longest, true);
    });
  }

  private refuseUnfit({ kind, units, ttlMs, name }: AcquireRequest): void {
    if (kind === 'semaphore')
      throw new LockOptionsError(`Semaphore "${name}": ${this.refusals.semaphores}`);
    if (units > 0) throw new LockOptionsError(`Lock "${name}": ${this.refusals.sharedLocks}`);
    if (ttlMs > this.maxTtlMs) {
      throw new LockOptionsError(
        `Lock "${name}": its ttl of ${ttlMs} ms is longer than maxTtl (${this.maxTtlMs} ms), for which a node that ` +
          'was restarted keeps from voting. Set the LockModule option "maxTtl" to the longest ttl in use, everywhere.',
      );
    }
  }
}
