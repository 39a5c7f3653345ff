import type { Clock } from '../../core/clock.js';
import type {
  AcquireReply,
  AcquireRequest,
  LeaseClaim,
  LeaseRecord,
  LockStore,
  ReleaseOutcome,
  ReleaseRequest,
  RenewReply,
  RenewRequest,
} from '../lock-store.interface.js';

interface StoredLease extends LeaseRecord {
  readonly owner: string;
  expiresAt: number;
}

/** Leases in the memory of one process: for development, and for applications that have only one. */
export class MemoryLockStore implements LockStore {
  readonly description: string = 'memory of this process';
  readonly notices: readonly string[] = [
    'Locks are kept in the memory of this process (store: "memory"): they exclude nobody outside it.',
  ];

  private readonly leases = new Map<string, StoredLease>();
  /** For holders that do not know yet: who lost a name by force, until its lease would have ended. */
  private readonly forcedNotes = new Map<string, { owner: string; expiresAt: number }>();
  private lastToken = 0;
  private sweepAtSize = 1_000;

  constructor(readonly clock: Clock) {}

  async connect(): Promise<void> {}

  async acquire({ name, owner, ttlMs, holder }: AcquireRequest): Promise<AcquireReply> {
    const lease = this.find(name);
    if (lease && lease.owner !== owner) return { status: 'busy', lease: this.toRecord(lease) };
    const expiresAt = this.clock.now() + ttlMs;
    if (lease) {
      lease.expiresAt = expiresAt;
      return { status: 'granted', fencingToken: lease.fencingToken };
    }
    this.sweep();
    const now = Date.now();
    const fencingToken = (this.lastToken = Math.max(this.lastToken + 1, now * 1_000));
    const since = new Date(now);
    this.leases.set(name, { owner, holder, fencingToken, since, expiresAt, remainingMs: ttlMs });
    return { status: 'granted', fencingToken };
  }

  async renew(requests: readonly RenewRequest[]): Promise<readonly RenewReply[]> {
    return requests.map((request) => {
      const lease = this.find(request.name);
      if (lease && this.isClaimedBy(lease, request)) {
        lease.expiresAt = this.clock.now() + request.ttlMs;
        return 'renewed';
      }
      if (this.forcedNotes.get(request.name)?.owner === request.owner) return 'forced';
      return lease ? 'taken-over' : 'expired';
    });
  }

  async release(request: ReleaseRequest): Promise<ReleaseOutcome> {
    const lease = this.find(request.name);
    if (!lease) return 'expired';
    if (!this.isClaimedBy(lease, request)) return 'taken-over';
    this.leases.delete(request.name);
    return 'released';
  }

  async inspect(name: string): Promise<LeaseRecord | null> {
    const lease = this.find(name);
    return lease ? this.toRecord(lease) : null;
  }

  async forceRelease(name: string): Promise<LeaseRecord | null> {
    const lease = this.find(name);
    if (!lease) return null;
    this.leases.delete(name);
    this.forcedNotes.set(name, lease);
    return this.toRecord(lease);
  }

  async close(): Promise<void> {}

  /** The lease is gone, and nobody is told. */
  protected drop(name: string): void {
    this.leases.delete(name);
  }

  private find(name: string): StoredLease | undefined {
    const lease = this.leases.get(name);
    return lease && lease.expiresAt > this.clock.now() ? lease : undefined;
  }

  private isClaimedBy(lease: StoredLease, { owner, fencingToken }: Partial<LeaseClaim>): boolean {
    return (
      lease.owner === owner && (fencingToken === undefined || lease.fencingToken === fencingToken)
    );
  }

  private toRecord({ holder, fencingToken, since, expiresAt }: StoredLease): LeaseRecord {
    return { holder, fencingToken, since, remainingMs: expiresAt - this.clock.now() };
  }

  /** Nobody asks again for most names that expired: they go when the map has doubled. */
  private sweep(): void {
    if (this.leases.size + this.forcedNotes.size < this.sweepAtSize) return;
    for (const entries of [this.leases, this.forcedNotes]) {
      for (const [name, { expiresAt }] of entries) {
        if (expiresAt <= this.clock.now()) entries.delete(name);
      }
    }
    this.sweepAtSize = Math.max(1_000, (this.leases.size + this.forcedNotes.size) * 2);
  }
}
