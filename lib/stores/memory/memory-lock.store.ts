import type { Clock } from '../../core/clock.js';
import type {
  AcquireReply,
  AcquireRequest,
  HandOverListener,
  LeaseRecord,
  LockStore,
  NameRecord,
  ReleaseOutcome,
  ReleaseRequest,
  RenewReply,
  RenewRequest,
  Subject,
  TransferRequest,
  Waiter,
} from '../lock-store.interface.js';
import type { OnceRequest, OutcomeStore } from '../outcome.interface.js';
import type { ReportStore } from '../report.interface.js';
import { MemoryName, type MemoryTools } from './memory-name.js';
import { MemoryOutcomes } from './memory-outcomes.js';
import { MemoryReports } from './memory-reports.js';

/** Leases in the memory of one process: for development, and for applications that have only one. */
export class MemoryLockStore implements LockStore {
  readonly description: string = 'memory of this process';
  readonly notices: readonly string[] = [
    'Locks are kept in the memory of this process (store: "memory"): they exclude nobody outside it.',
  ];

  readonly outcomes: OutcomeStore;
  readonly reports: ReportStore;
  private readonly elements: MemoryOutcomes;
  private readonly names = new Map<string, MemoryName>();
  private readonly listeners: HandOverListener[] = [];
  private readonly tools: MemoryTools;
  private lastToken = 0;
  private sweepAtSize = 1_000;
  private stepAt: number | undefined;

  constructor(readonly clock: Clock) {
    const now = () => this.stepAt ?? clock.now();
    const leasesOf = (name: string) => this.find({ name, kind: 'lock' });
    this.elements = new MemoryOutcomes({ now, leasesOf });
    this.outcomes = this.elements;
    this.reports = new MemoryReports(clock);
    this.tools = {
      now,
      takeTokens: (count) => {
        const first = Math.max(this.lastToken + 1, Date.now() * 1_000);
        this.lastToken = first + count - 1;
        return first;
      },
      // Later, as from any other store: a release is over before the next holder begins.
      tell: (handOver) =>
        queueMicrotask(() => this.listeners.forEach((each) => each.onHandOver(handOver))),
    };
  }

  async connect(): Promise<void> {}

  listen(listener: HandOverListener): void {
    this.listeners.push(listener);
  }

  tellsHandOvers(): boolean {
    return true;
  }

  async acquire(request: AcquireRequest): Promise<AcquireReply> {
    const { once } = request;
    return once
      ? this.atOnce(() => this.acquireOnce(request, once))
      : this.findOrMake(request).acquire(request);
  }

  async renew(requests: readonly RenewRequest[]): Promise<readonly RenewReply[]> {
    return requests.map((request) => this.find(request)?.renew(request) ?? 'expired');
  }

  async transfer(request: TransferRequest): Promise<RenewReply> {
    return this.find(request)?.transfer(request) ?? 'expired';
  }

  async release(request: ReleaseRequest): Promise<ReleaseOutcome> {
    const { outcome } = request;
    if (!outcome) return this.giveUp(request);
    return this.atOnce(() => {
      const wasReleased = this.elements.settle(request, outcome);
      const released = this.giveUp(request);
      return wasReleased ? 'released' : released;
    });
  }

  async inspect(subject: Subject): Promise<NameRecord> {
    return this.find(subject)?.inspect() ?? { holders: [], waiting: 0, permits: 0 };
  }

  async queueOf(subject: Subject, limit: number): Promise<readonly Waiter[]> {
    return this.find(subject)?.queue(limit) ?? [];
  }

  async forceRelease(subject: Subject, fencingToken?: number): Promise<readonly LeaseRecord[]> {
    return this.find(subject)?.forceRelease(fencingToken) ?? [];
  }

  async close(): Promise<void> {}

  /** Gives a name to somebody past the queue; who had it is not told. */
  protected seize(request: AcquireRequest): void {
    this.findOrMake(request).seize(request);
  }

  private acquireOnce(request: AcquireRequest, once: OnceRequest): AcquireReply {
    const { name, kind, owner } = request;
    const refusal = this.elements.refusal(request, once);
    if (refusal) {
      this.giveUp({ name, kind, owner });
      return refusal;
    }
    const reply = this.findOrMake(request).acquire(request);
    if (reply.status !== 'granted') return reply;
    return { ...reply, unknown: this.elements.begin(request, once, reply.fencingToken) };
  }

  private giveUp(request: ReleaseRequest): ReleaseOutcome {
    const name = this.find(request);
    if (!name) return 'expired';
    const outcome = name.release(request);
    if (name.isIdle) this.names.delete(keyOf(request));
    return outcome;
  }

  /** One step sees one time: what it found held does not end before it has written so. */
  private atOnce<T>(take: () => T): T {
    this.stepAt = this.clock.now();
    try {
      return take();
    } finally {
      this.stepAt = undefined;
    }
  }

  private findOrMake(subject: Subject): MemoryName {
    const found = this.find(subject);
    if (found) return found;
    this.sweep();
    const name = new MemoryName(this.tools);
    this.names.set(keyOf(subject), name);
    return name;
  }

  private find(subject: Subject): MemoryName | undefined {
    return this.names.get(keyOf(subject));
  }

  /** Nobody asks again for most names that expired: they go when the map has doubled. */
  private sweep(): void {
    if (this.names.size < this.sweepAtSize) return;
    for (const [key, name] of this.names) if (name.isIdle) this.names.delete(key);
    this.sweepAtSize = Math.max(1_000, this.names.size * 2);
  }
}

const keyOf = ({ kind, name }: Subject): string => `${kind}:${name}`;
