import { randomUUID } from 'node:crypto';
import type { Cluster, Redis } from 'ioredis';
import { LockOptionsError } from '../../lock.errors.js';
import type {
  AcquireReply,
  AcquireRequest,
  DecidedReply,
  HandOverListener,
  Holder,
  LeaseRecord,
  LockStore,
  NameRecord,
  Registration,
  ReleaseOutcome,
  ReleaseRequest,
  RenewReply,
  RenewRequest,
  ReplicateReply,
  ReplicateRequest,
  Subject,
  TransferRequest,
  Waiter,
} from '../lock-store.interface.js';
import type { StoreSurvey, SurveyRequest } from '../survey.interface.js';
import { probeName, probeWrite } from '../write-probe.js';
import { ClusterHandOverChannel } from './cluster-hand-over.channel.js';
import type { HandOverChannel } from './hand-over-channel.js';
import * as lua from './lua.js';
import type { RedisConnection } from './redis-connection.js';
import { keysOf, tagOf } from './redis-keys.js';
import { RedisHandOverChannel } from './redis-hand-over.channel.js';
import { RedisOutcomes, toRecord, toRefusal } from './redis-outcomes.js';
import { RedisReports } from './redis-reports.js';
import { RedisScript, withoutCommand } from './redis-script.js';
import { surveyRedis } from './redis-survey.js';
import { StepBatcher } from './step-batcher.js';
import { TagRegister } from './tag-register.js';

const renewScript = new RedisScript(lua.renew);
type Result = [error: Error | null, reply: unknown];

const NO_REGISTRATION: Registration = { number: 0, claimMs: 0, tokens: 1 };
const RENEW_REPLIES: Record<string, DecidedReply> = {
  '2': 'contended',
  '1': 'renewed',
  '0': 'expired',
  '-1': 'taken-over',
  '-2': 'forced',
};

/** Leases on one Redis deployment: standalone, a Sentinel group, or a Cluster. */
export class RedisLockStore implements LockStore {
  readonly outcomes: RedisOutcomes;
  readonly reports: RedisReports;

  private readonly steps: StepBatcher;
  private readonly channel: HandOverChannel;
  private readonly Channel: typeof ClusterHandOverChannel | typeof RedisHandOverChannel;
  private replication: Redis | Cluster | undefined;
  private lastHolder: Holder | undefined;
  private lastDescription = '';

  constructor(
    private readonly connection: RedisConnection,
    private readonly prefix: string,
  ) {
    this.Channel = connection.isCluster ? ClusterHandOverChannel : RedisHandOverChannel;
    this.channel = new this.Channel(connection, prefix);
    this.steps = new StepBatcher(connection.client, (group) => this.channel.addressOf(group));
    const tags = new TagRegister(connection.client, prefix);
    const groupOf = (tag: string): string => (connection.isCluster ? tag : '');
    this.outcomes = new RedisOutcomes(this.steps, prefix, tags, groupOf);
    this.reports = new RedisReports(connection.client, prefix);
  }

  get description(): string {
    return this.connection.description;
  }

  get notices(): readonly string[] {
    return this.connection.notices;
  }

  get lastError(): Error | undefined {
    return this.connection.lastError;
  }

  tellsHandOvers(name: string): boolean {
    return this.channel.addressOf(this.renewalGroupOf(name)) !== '';
  }

  /** Proves with a write that locks can be taken: PING would answer on a read-only replica too. */
  async connect(): Promise<void> {
    try {
      await this.connection.whenAble(() => this.probe());
    } catch (error) {
      if (this.connection.isCluster || !/CROSSSLOT|^MOVED/.test((error as Error).message))
        throw error;
      throw new LockOptionsError(
        `LockModule option "redis": ${this.description} is one node of a Redis Cluster. ` +
          'Give the module a client of the whole Cluster: new Cluster(nodes) from ioredis.',
      );
    }
  }

  private async probe(): Promise<void> {
    await probeWrite(this);
    if (this.connection.isCluster) return;
    // A single client in front of several shards takes each lock, but cannot renew them together.
    const claim = { kind: 'lock', owner: randomUUID(), fencingToken: 1, ttlMs: 1_000 } as const;
    await this.renew(Array.from({ length: 8 }, () => ({ ...claim, name: probeName() })));
  }

  listen(listener: HandOverListener): void {
    this.channel.listen(listener);
  }

  survey(request: SurveyRequest): Promise<StoreSurvey> {
    const { connection, prefix, channel } = this;
    const anew = (): HandOverChannel => new this.Channel(connection, prefix);
    const probe = (name?: string): Promise<void> => probeWrite(this, name);
    return surveyRedis({ connection, prefix, channel, anew, probe }, request);
  }

  acquire(request: AcquireRequest): Promise<AcquireReply> {
    const { name, owner, ttlMs, units, permits, tokens, registration, holder } = request;
    const group = this.renewalGroupOf(name);
    if (registration && registration.number > 1) this.channel.open(group);
    const { number, claimMs, tokens: later } = registration ?? NO_REGISTRATION;
    const keys = keysOf(this.prefix, request);
    const lengthMs = number > 1 ? claimMs : ttlMs;
    const isCommon = units === 0 && permits === 0 && keys.tokenCounterTtlS === 0;
    const spec = `${isCommon ? 'a' : 'A'} ${lengthMs} ${tokens} ${ttlMs} ${units} ${permits} ${number} ${claimMs} ${keys.tokenCounterTtlS} ${later}`;
    const parse = this.parserFor(group, request);
    const described = this.describe(holder);
    const { once } = request;
    if (!once) return this.steps.run(group, keys, [spec, owner], parse, described);
    const args = this.outcomes.begin(name, spec, owner, once);
    return this.outcomes
      .keysOf(name, once.job, once.keepMs)
      .then((all) => this.steps.run(group, all, args, parse, described));
  }

  async renew(requests: readonly RenewRequest[]): Promise<readonly RenewReply[]> {
    const codes = (await renewScript.run(
      this.connection.client,
      requests.map((request) => keysOf(this.prefix, request).lease),
      requests.flatMap(({ owner, fencingToken, ttlMs }) => [
        owner,
        String(fencingToken),
        String(ttlMs),
      ]),
    )) as number[];
    return codes.map((code) => RENEW_REPLIES[String(code)]!);
  }

  /**
   * In one pipeline, since WAIT counts what its own connection has written; and on a connection of its
   * own, since everything else there waits behind it.
   */
  async replicate(request: ReplicateRequest, isMoved = false): Promise<ReplicateReply> {
    const { owner, fencingToken, ttlMs, replicas, timeoutMs } = request;
    const { lease } = keysOf(this.prefix, request);
    this.replication ??= this.connection.duplicateForWaiting();
    const renewal = [lua.renew, 1, lease, owner, String(fencingToken), String(ttlMs)] as const;
    const results = await this.replication
      .pipeline()
      .eval(...renewal)
      .wait(replicas, timeoutMs)
      .exec();
    const [[renewError, codes], [waitError, acknowledged]] = results as [Result, Result];
    if (!isMoved && renewError?.message.startsWith('MOVED')) {
      // ioredis follows a slot that has moved with a single command only.
      await this.replication.eval(...renewal).catch(() => undefined); // told by the next try
      return this.replicate(request, true);
    }
    const error = renewError ?? waitError;
    if (error) throw withoutCommand(error);
    const [code] = codes as number[];
    return { reply: RENEW_REPLIES[String(code)]!, acknowledged: Number(acknowledged) };
  }

  transfer(request: TransferRequest): Promise<RenewReply> {
    const { owner, fencingToken, newOwner, ttlMs, holder } = request;
    const args = [`t ${ttlMs}`, owner, String(fencingToken), newOwner];
    return this.step(request, args, toTransferReply, this.describe(holder));
  }

  /** In a Cluster a script's keys must share a slot, and a node may be down alone. */
  renewalGroupOf(name: string): string {
    return this.connection.isCluster ? tagOf(name) : '';
  }

  release(request: ReleaseRequest): Promise<ReleaseOutcome> {
    const { name, owner, fencingToken, minHoldMs = 0, outcome } = request;
    const group = this.renewalGroupOf(name);
    const token = fencingToken === undefined ? '' : String(fencingToken);
    if (outcome) {
      const args = this.outcomes.end({ ...request, outcome }, token);
      const holder = outcome.kind === 'processed' ? this.describe(outcome.holder) : '';
      const keepMs = outcome.kind === 'processed' ? outcome.retentionMs : 0;
      const all = this.outcomes.keysAtEnd(name, outcome.job, keepMs);
      return this.steps.run(group, all, args, toReleaseOutcome, holder);
    }
    const keys = keysOf(this.prefix, request);
    const letter = minHoldMs > 0 ? 'R' : 'r';
    const args = [`${letter} ${minHoldMs} ${keys.tokenCounterTtlS}`, owner, token];
    return this.steps.run(group, keys, args, toReleaseOutcome);
  }

  inspect(subject: Subject): Promise<NameRecord> {
    return this.step(subject, ['i'], toNameRecord);
  }

  queueOf(subject: Subject, limit: number): Promise<readonly Waiter[]> {
    return this.step(subject, [`w ${limit}`], toWaiters);
  }

  forceRelease(subject: Subject, fencingToken?: number): Promise<readonly LeaseRecord[]> {
    const token = fencingToken === undefined ? '' : String(fencingToken);
    const { tokenCounterTtlS } = keysOf(this.prefix, subject);
    return this.step(subject, [`f ${tokenCounterTtlS}`, token], toForced);
  }

  async close(): Promise<void> {
    this.channel.close();
    this.replication?.disconnect();
    await this.connection.close();
  }

  private step<T>(
    subject: Subject,
    args: string[],
    parse: (reply: unknown) => T,
    holder?: string,
  ): Promise<T> {
    const keys = keysOf(this.prefix, subject);
    return this.steps.run(this.renewalGroupOf(subject.name), keys, args, parse, holder);
  }

  /** The channel is made for the first that has to wait: most names are free. */
  private parserFor(
    group: string,
    { name, once, registration }: AcquireRequest,
  ): (reply: unknown) => AcquireReply {
    const parse = once ? (reply: unknown) => toOnceReply(name, reply) : toAcquireReply;
    if (!registration || this.channel.addressOf(group) !== '') return parse;
    return (reply) => {
      const parsed = parse(reply);
      if (parsed.status === 'busy') this.channel.open(group);
      return parsed;
    };
  }

  /** As it is written into every lease: made once, since a service has one. */
  private describe(holder: Holder): string {
    if (holder !== this.lastHolder) {
      this.lastHolder = holder;
      this.lastDescription = JSON.stringify(holder);
    }
    return this.lastDescription;
  }
}

function toAcquireReply(reply: unknown): AcquireReply {
  if (!Array.isArray(reply)) return toGrant(reply, reply, 0, 0);
  const [isGranted, first, last, isWaitedFor, formerPermits] = reply as unknown[];
  if (Number(isGranted) === 0) return toBusy(reply);
  return toGrant(first, last, isWaitedFor, formerPermits);
}

function toOnceReply(name: string, reply: unknown): AcquireReply {
  const refusal = toRefusal(name, reply);
  if (refusal) return refusal;
  const unknown = (reply as unknown[])[5];
  const parsed = toAcquireReply(reply);
  if (parsed.status !== 'granted' || !Array.isArray(unknown)) return parsed;
  return { ...parsed, unknown: toRecord(name, unknown)! };
}

function toGrant(
  first: unknown,
  last: unknown,
  isWaitedFor: unknown,
  former: unknown,
): AcquireReply {
  return {
    status: 'granted',
    fencingToken: Number(first),
    lastToken: Number(last),
    isWaitedFor: Number(isWaitedFor) > 0,
    formerPermits: Number(former) || undefined,
  };
}

function toBusy([, place, formerPermits, ...lease]: unknown[]): AcquireReply {
  return {
    status: 'busy',
    place: Number(place),
    lease: toRecords(lease)[0] ?? null,
    formerPermits: Number(formerPermits) || undefined,
  };
}

function toReleaseOutcome(reply: unknown): ReleaseOutcome {
  return Number(reply) === 1 ? 'released' : Number(reply) === 0 ? 'expired' : 'taken-over';
}

function toTransferReply(reply: unknown): RenewReply {
  return Number(reply) === -3 ? 'forced' : RENEW_REPLIES[String(reply)]!;
}

function toNameRecord(reply: unknown): NameRecord {
  const [permits, waiting, ...holders] = reply as unknown[];
  return { permits: Number(permits), waiting: Number(waiting), holders: toRecords(holders) };
}

function toWaiters(reply: unknown): Waiter[] {
  const values = reply as unknown[];
  const waiters: Waiter[] = [];
  for (let i = 0; i < values.length; i += 2) {
    const holder = JSON.parse(String(values[i + 1])) as Waiter['holder'];
    waiters.push({ holder, units: Number(values[i]) });
  }
  return waiters;
}

const toForced = (reply: unknown): LeaseRecord[] => toRecords(reply as unknown[]);

/** Token, since (ms), remaining (ms), units and holder of each, as the scripts answer them. */
function toRecords(values: readonly unknown[]): LeaseRecord[] {
  const records: LeaseRecord[] = [];
  for (let i = 0; i < values.length; i += 5) {
    const [token, since, remainingMs, units, holder] = values.slice(i, i + 5);
    records.push({
      holder: JSON.parse(String(holder)) as LeaseRecord['holder'],
      fencingToken: Number(token),
      since: new Date(Number(since)),
      remainingMs: Math.max(0, Number(remainingMs)),
      units: Number(units),
    });
  }
  return records.sort((a, b) => a.fencingToken - b.fencingToken);
}
