import { randomUUID } from 'node:crypto';
import {
  LockLostError,
  LockDrainingError,
  LockOptionsError,
  LockReleasedError,
  LockReentryError,
} from '../lock.errors.js';
import type { DecidedReply, Holder } from '../stores/lock-store.interface.js';
import type { OnceRequest } from '../stores/outcome.interface.js';
import {
  type AcquireDefaults,
  type AcquireOptions,
  labelOfJob,
  resolveAcquireOptions,
  type ResolvedAcquireOptions,
} from './acquire-options.js';
import { Acquisition, type AcquisitionTools, type Want } from './acquisition.js';
import { Bag } from './bag.js';
import { type DetachedLease, termsOf } from './detached-lock.js';
import type { BoundedStore } from './bounded-store.js';
import { type Clock, safeEnd } from './clock.js';
import type { LeaseBook } from './lease-book.js';
import type { LeaseCleaner } from './lease-cleaner.js';
import { isRenewed, type Lease } from './lease.js';
import { LightMap } from './light-map.js';
import { Line, type LineTools } from './line.js';
import { type AcquireMessage, type GrantedName, lockChannels } from './lock-channels.js';
import type { LockContext } from './lock-context.js';
import type { LockEventSink } from './lock-events.js';
import { checkLockName } from './lock-name.js';
import { Operation } from './operation.js';
import { takeAll } from './several-names.js';
import type { StoreLimits } from './store-limits.js';
import { TenureGroup } from './tenure-group.js';
import { type Holding, modeOfShare, type Tenure } from './tenure.js';
import { WaitTally } from './wait-tally.js';
import { WaitList } from './wait-list.js';
import { tooLate, Wait } from './wait.js';

/** The parts of a client that taking a lock needs. */
export interface TakerTools {
  readonly store: BoundedStore;
  readonly clock: Clock;
  readonly cleaner: LeaseCleaner;
  readonly leases: LeaseBook;
  readonly context: LockContext;
  /** Gives back what one of several names was taken with, when another could not be. */
  readonly giveBack: (tenure: Tenure) => void;
  /** An acquisition has ended. */
  readonly checkIdle: () => void;
}

export interface TakerOptions extends AcquireDefaults {
  readonly limits: StoreLimits;
  readonly holder: Holder;
  readonly emit: LockEventSink;
}

/** Takes names for callers: joins what they hold, asks the store, or has them wait in line. */
export class Taker {
  readonly tally = new WaitTally();
  private readonly waits: WaitList;
  private readonly lines = new LightMap<Line>();
  private readonly acquisitions = new Bag<Acquisition>();
  private readonly lineTools: LineTools;
  private readonly acquisitionTools: AcquisitionTools;
  private readonly forgetLine = (line: Line): void => this.lines.delete(line.name);
  private attaching = 0;
  private isDraining = false;

  constructor(
    private readonly tools: TakerTools,
    private readonly options: TakerOptions,
  ) {
    const { store, clock, cleaner, leases } = tools;
    const { holder, emit } = options;
    this.waits = new WaitList(clock, (error) => emit({ type: 'polling', error }));
    store.listen(this.waits);

    const permitsChanged: AcquisitionTools['permitsChanged'] = ({ name, permits }, formerPermits) =>
      emit({ type: 'permits-changed', name, permits, formerPermits });
    const waitTools = { store, clock, cleaner, holder, permitsChanged };
    const startWait: AcquisitionTools['startWait'] = (request, listener) =>
      new Wait(waitTools, this.waits, request, listener);
    this.lineTools = {
      clock,
      startWait,
      leaseOf: (name) => leases.leaseOf(name),
      giveBack: ({ name, kind, owner, lengthMs }) => cleaner.leave({ name, kind, owner }, lengthMs),
    };
    this.acquisitionTools = {
      ...waitTools,
      startWait,
      tally: this.tally,
      lineFor: (name) => this.lineFor(name),
      existingLine: (name) => this.lines.get(name),
      ended: (acquisition) => this.ended(acquisition),
      emit,
      begin: (grant, terms, waitedMs, { isQuiet, label, asked }) =>
        leases.begin(grant, terms, waitedMs, { isTold: !isQuiet, label, asked }),
      takeOver: (lease, waitedMs, { isQuiet, label, asked }) =>
        leases.takeOver(lease, waitedMs, { isTold: !isQuiet, label, asked }),
    };
  }

  /** How many acquisitions are under way. */
  get size(): number {
    return this.acquisitions.size + this.attaching;
  }

  take(names: string | readonly string[], options: AcquireOptions): Promise<Holding> {
    return typeof names === 'string'
      ? this.takeOne(names, options)
      : this.takeSeveral(names, options);
  }

  /** Takes permits of a semaphore, which nobody joins. */
  async takeWanted(want: Want, options: AcquireOptions): Promise<Tenure> {
    const what = (): string => `semaphore "${want.name}"`;
    return this.run(want, resolveAcquireOptions(options, this.options, what));
  }

  /** Takes a name in order to do its element once, which no lock of the same context can stand for. */
  async takeOnce(name: string, once: OnceRequest, options: AcquireOptions): Promise<Tenure> {
    checkLockName(name);
    const resolved = this.resolve(name, options);
    if (this.tools.context.tenureOf(name)) {
      throw new LockReentryError(
        `"${name}" is to be done once, and is locked by the same async context already: it would wait for itself. ` +
          'Say "once" where the lock is taken first.',
        name,
      );
    }
    const { label = labelOfJob(once.job, name) } = resolved;
    return this.run({ name, kind: 'lock', units: 0, permits: 0, once }, { ...resolved, label });
  }

  /** Takes over what another process has detached: all of it, or none. */
  async attach(detached: readonly DetachedLease[]): Promise<Holding> {
    if (this.isDraining) throw new LockDrainingError(detached.map(({ name }) => name).join(', '));
    for (const lease of detached) this.refuseUnfit(lease);
    this.attaching++;
    const results = await Promise.allSettled(detached.map((lease) => this.attachOne(lease)));
    this.attaching--;
    this.tools.checkIdle();
    const tenures = results.flatMap((each) => (each.status === 'fulfilled' ? each.value : []));
    const failed = results.find((each) => each.status === 'rejected');
    if (!failed) return tenures.length === 1 ? tenures[0]! : new TenureGroup(tenures);
    for (const tenure of tenures) this.tools.giveBack(tenure);
    throw failed.reason;
  }

  /** Of another store than this one it may have what this one cannot keep; it stays as it is there. */
  private refuseUnfit({ name, kind, units, ttlMs, minHoldMs }: DetachedLease): void {
    const { limits } = this.options;
    const isSemaphore = kind === 'semaphore';
    const terms = { ttlMs, minHoldMs, isShared: !isSemaphore && units > 0, minReplicas: 0 };
    const problem = (isSemaphore ? limits.semaphores : undefined) ?? limits.against(terms);
    if (problem !== undefined) throw new LockOptionsError(`attach("${name}"): ${problem}`);
  }

  private async attachOne(detached: DetachedLease): Promise<Tenure> {
    const { store, clock, cleaner, leases } = this.tools;
    const { name, kind, units, owner } = detached;
    const terms = termsOf(detached);
    const ttlMs = Math.max(1, Math.ceil(Math.min(terms.ttlMs, terms.maxHoldMs)));
    const [fencingToken, holderToken] = detached.tokens;
    const claim = { name, kind, fencingToken };
    if (terms.maxHoldMs <= 0) {
      cleaner.leave({ ...claim, owner }, terms.ttlMs);
      throw new LockLostError(name, holderToken, 'max-hold');
    }
    const newOwner = randomUUID();
    const sentAt = clock.now();
    let reply: DecidedReply;
    try {
      const { holder } = this.options;
      reply = await store.transfer({ ...claim, owner, newOwner, ttlMs, holder });
    } catch (error) {
      cleaner.clean({ ...claim, owner: newOwner }, ttlMs);
      throw error;
    }
    if (!isRenewed(reply)) {
      throw new LockLostError(name, holderToken, reply);
    }
    const isLate = clock.now() >= safeEnd(sentAt, ttlMs);
    if (isLate || this.isDraining) {
      cleaner.clean({ ...claim, owner: newOwner }, ttlMs);
      throw isLate ? tooLate(name, ttlMs) : new LockDrainingError(name);
    }
    const times = { sentAt, lengthMs: ttlMs, beganAt: sentAt };
    const lease = { ...claim, units, owner: newOwner, lastToken: holderToken, isWaitedFor: false };
    return leases.begin({ ...lease, ...times }, terms, 0, { token: holderToken });
  }

  /** Gives a lease to the next caller of this process, if one waits that may have it. */
  passOn(lease: Lease): boolean {
    return !this.isDraining && (this.lines.get(lease.name)?.pass(lease) ?? false);
  }

  /** This process has a name no longer: those that wait for it must ask the store. */
  freed(name: string): void {
    this.lines.get(name)?.advance();
  }

  /** Refuses whatever comes, and whoever waits. */
  drain(): void {
    this.isDraining = true;
    for (const acquisition of this.acquisitions) acquisition.drain();
  }

  private takeOne(name: string, options: AcquireOptions): Promise<Tenure> {
    checkLockName(name);
    const resolved = this.resolve(name, options);
    const joined = this.join(name, resolved);
    if (joined) return Promise.resolve(joined);
    const units = resolved.isShared ? 1 : 0;
    return this.run({ name, kind: 'lock', units, permits: 0 }, resolved);
  }

  private async takeSeveral(names: readonly string[], options: AcquireOptions): Promise<Holding> {
    if (!Array.isArray(names)) checkLockName(names);
    if (names.length === 0) {
      throw new LockOptionsError(
        'acquire: there is no name in the list; write at least one, such as "account:1".',
      );
    }
    const sorted = [...new Set(names.map((name) => checkLockName(name)))].sort();
    const resolved = this.resolve(sorted.join('", "'), options);
    const joined = this.joinAll(sorted, resolved);
    const missing = sorted.filter((name) => !joined.has(name));
    const { clock, giveBack } = this.tools;
    const units = resolved.isShared ? 1 : 0;
    const takeMissing = async (asked?: AcquireMessage): Promise<Tenure[]> => {
      const take = (name: string, waitMs: number): Promise<Tenure> =>
        this.start(
          { name, kind: 'lock', units, permits: 0 },
          { ...resolved, waitMs, isQuiet: true, asked },
        );
      const taken = await takeAll(missing, resolved.waitMs, { clock, take, giveBack });
      for (const tenure of taken) this.tools.leases.tell(tenure);
      return taken;
    };
    const tell = missing.length > 0 && lockChannels.acquire.hasSubscribers;
    try {
      const taken = await (tell
        ? this.traced({ kind: 'lock', units }, missing, resolved, takeMissing, grantedAll)
        : takeMissing());
      for (const tenure of taken) joined.set(tenure.name, tenure);
    } catch (error) {
      for (const tenure of joined.values()) giveBack(tenure);
      throw error;
    }
    const group = new TenureGroup(sorted.map((name) => joined.get(name)!));
    if (group.isHeld) return group;
    const { loss } = group; // of one, while another was waited for
    for (const tenure of group.tenures) giveBack(tenure);
    throw loss ?? new LockReleasedError(group.name);
  }

  /** Joins those that the present context holds, or none if one of them cannot be joined. */
  private joinAll(names: readonly string[], options: ResolvedAcquireOptions): Map<string, Tenure> {
    const joined = new Map<string, Tenure>();
    try {
      for (const name of names) {
        const tenure = this.join(name, options);
        if (tenure) joined.set(name, tenure);
      }
    } catch (error) {
      for (const tenure of joined.values()) this.tools.giveBack(tenure);
      throw error;
    }
    return joined;
  }

  private resolve(name: string, options: AcquireOptions): ResolvedAcquireOptions {
    return resolveAcquireOptions(options, this.options, () => `lock "${name}"`);
  }

  /** What the present async context holds already is not waited for: that would be for itself. */
  private join(name: string, options: ResolvedAcquireOptions): Tenure | undefined {
    const tenure = this.tools.context.tenureOf(name);
    if (!tenure || options.signal?.aborted) return undefined;
    if (!options.isReentrant) {
      throw new LockReentryError(
        `The lock "${name}" is held by the same async context already, and was asked for with reentrant: false.`,
        name,
      );
    }
    if (tenure.lease.units > 0 && !options.isShared) {
      throw new LockReentryError(
        `The lock "${name}" is held as shared by the same async context: taking it exclusively would wait for itself. ` +
          'Take it exclusively from the start.',
        name,
      );
    }
    tenure.locks++; // from now on, so that it does not end before whoever joins begins
    return tenure;
  }

  private run(want: Want, options: ResolvedAcquireOptions): Promise<Tenure> {
    if (!lockChannels.acquire.hasSubscribers) return this.start(want, options);
    const take = async (asked: AcquireMessage): Promise<Tenure> =>
      this.start(want, { ...options, asked });
    return this.traced(want, [want.name], options, take, grantedOne);
  }

  private traced<T>(
    share: Pick<Want, 'kind' | 'units'>,
    names: readonly string[],
    { label, waitMs }: ResolvedAcquireOptions,
    take: (asked: AcquireMessage) => Promise<T>,
    resultOf: (taken: T) => GrantedName[],
  ): Promise<T> {
    const { clock } = this.tools;
    const { service } = this.options.holder;
    const message: AcquireMessage = { service, mode: modeOfShare(share), label, names, waitMs };
    return new Operation(lockChannels.acquire, message, clock).trace(() => take(message), resultOf);
  }

  private start(want: Want, options: ResolvedAcquireOptions): Promise<Tenure> {
    if (this.isDraining) throw new LockDrainingError(want.name);
    const acquisition = new Acquisition(this.acquisitionTools, want, options);
    this.acquisitions.add(acquisition);
    return acquisition.run();
  }

  private ended(acquisition: Acquisition): void {
    this.acquisitions.delete(acquisition);
    this.tools.checkIdle();
  }

  private lineFor(name: string): Line {
    const existing = this.lines.get(name);
    if (existing) return existing;
    const line = new Line(name, this.lineTools, this.forgetLine);
    this.lines.set(name, line);
    return line;
  }
}

/** Not the tenure, which knows its owner: that is a secret. */
const grantedOne = ({ name, fencingToken }: Tenure): GrantedName[] => [{ name, fencingToken }];

const grantedAll = (tenures: Tenure[]): GrantedName[] => tenures.flatMap(grantedOne);
