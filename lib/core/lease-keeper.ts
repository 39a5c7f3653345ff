import { LockStoreError } from '../lock.errors.js';
import type { RenewReply, RenewRequest } from '../stores/lock-store.interface.js';
import { Bag } from './bag.js';
import type { BoundedStore } from './bounded-store.js';
import { Alarm } from './alarm.js';
import type { Clock } from './clock.js';
import type { Lease } from './lease.js';
import { lockChannels, type RenewedLease, type RenewMessage } from './lock-channels.js';
import { Operation } from './operation.js';
import { modeOfShare, type Tenure } from './tenure.js';

/** More would hold up the other clients of a Redis server for milliseconds. */
const BATCH_SIZE = 500;
/** After an answer that was an error: soon again, but never in a hot loop. */
const LONGEST_RETRY_MS = 250;

/**
 * The watchdog: renews every held lease of the process at a third of its ttl, in batches, with
 * one timer, and ends each lease at its deadline if no renewal got through.
 */
export class LeaseKeeper {
  private readonly leases = new Bag<Lease>();
  private readonly alarm: Alarm;

  constructor(
    private readonly store: BoundedStore,
    private readonly clock: Clock,
    private readonly onRenewal: (tenure: Tenure) => void,
    private readonly onRenewalFailed: (names: readonly string[], error: Error) => void,
    private readonly service = '',
  ) {
    this.alarm = new Alarm(clock, () => this.wake());
  }

  get size(): number {
    return this.leases.size;
  }

  [Symbol.iterator](): IterableIterator<Lease> {
    return this.leases[Symbol.iterator]();
  }

  keep(lease: Lease): void {
    this.leases.add(lease);
    this.alarm.by(lease.wakeAt);
  }

  /** The lease has ended, or is to be left to its ttl. */
  drop(lease: Lease): void {
    this.leases.delete(lease); // the alarm may ring for nothing: to clear it each time costs more
  }

  /** To be called when the times of a lease have changed. */
  reconsider(lease: Lease): void {
    if (this.leases.has(lease)) this.alarm.by(lease.wakeAt);
  }

  /** Renews all of them now. */
  renewAll(): void {
    for (const lease of this.leases) lease.renewAt = Math.min(lease.renewAt, this.clock.now());
    this.alarm.by(this.clock.now());
  }

  private wake(): void {
    try {
      this.renewDue(this.clock.now());
    } finally {
      // Whatever a listener of a loss throws: the others are to be renewed all the same.
      let earliest = Infinity;
      for (const lease of this.leases) earliest = Math.min(earliest, lease.wakeAt);
      this.alarm.by(earliest);
    }
  }

  private renewDue(now: number): void {
    const due: Lease[] = [];
    for (const lease of this.leases) {
      lease.checkDeadline();
      if (lease.renewAt - lease.renewSlack <= now && lease.isHeld) due.push(lease);
    }
    for (const group of this.groups(due)) {
      for (let start = 0; start < group.length; start += BATCH_SIZE) {
        this.renew(group.slice(start, start + BATCH_SIZE));
      }
    }
  }

  private groups(leases: readonly Lease[]): Iterable<readonly Lease[]> {
    const groups = new Map<string, Lease[]>();
    for (const lease of leases) {
      const key = this.store.renewalGroupOf(lease.name);
      const group = groups.get(key);
      if (group) group.push(lease);
      else groups.set(key, [lease]);
    }
    return groups.values();
  }

  private renew(leases: readonly Lease[]): void {
    const sentAt = this.clock.now();
    const requests = leases.map((lease) => lease.beginRenewal(sentAt));
    for (const { tenure } of leases) if (tenure) this.onRenewal(tenure);
    const operation = this.tell(leases, requests);
    this.store.renew(requests).then(
      (replies) => {
        if (operation) tellReplies(operation, leases, replies);
        const undecided = leases.filter((_, i) => replies[i] === 'undecided');
        leases.forEach((lease, i) => this.settle(lease, requests[i]!, replies[i]!, sentAt));
        if (undecided.length > 0) {
          this.retry(undecided, new LockStoreError('Too few nodes have answered a renewal.'));
        }
      },
      (error: Error) => {
        operation?.fail(error);
        this.retry(leases, error);
      },
    );
  }

  private tell(
    leases: readonly Lease[],
    requests: readonly RenewRequest[],
  ): Operation<RenewMessage> | undefined {
    const { renew } = lockChannels;
    if (!renew.hasSubscribers) return undefined;
    const renewals = leases.map((lease, i): RenewedLease => {
      const { name, currentToken: fencingToken, tenure } = lease;
      const { ttlMs } = requests[i]!;
      return { name, fencingToken, ttlMs, mode: modeOfShare(lease), label: tenure?.label };
    });
    const message: RenewMessage = { service: this.service, renewals };
    return new Operation(renew, message, this.clock).begin();
  }

  private settle(lease: Lease, request: RenewRequest, reply: RenewReply, sentAt: number): void {
    if (reply === 'undecided') return;
    lease.settle(reply, request, sentAt);
    this.reconsider(lease);
  }

  private retry(leases: readonly Lease[], error: Error): void {
    const held = leases.filter((lease) => lease.isHeld);
    if (held.length === 0) return;
    for (const lease of held) {
      const delay = Math.min(lease.renewSlack, LONGEST_RETRY_MS) * (0.5 + Math.random());
      lease.renewAt = Math.min(lease.renewAt, this.clock.now() + delay);
      this.reconsider(lease);
    }
    this.onRenewalFailed(
      held.map((lease) => lease.name),
      error,
    );
  }
}

/** To be called before the replies count: what is left is what was left without them. */
function tellReplies(
  operation: Operation<RenewMessage>,
  leases: readonly Lease[],
  replies: readonly RenewReply[],
): void {
  operation.message.renewals.forEach((renewal, i) => {
    renewal.headroomMs = leases[i]!.remainingMs;
    const reply = replies[i];
    if (reply) renewal.reply = reply;
  });
  operation.succeed(undefined);
}
