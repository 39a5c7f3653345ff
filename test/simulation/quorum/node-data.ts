import type { Holder } from 'nestjs-locker';
import { NodeRecords } from './node-records.js';

/** A lease as a node has it. */
export interface StoredLease {
  readonly owner: string;
  readonly token: number;
  /** µs of the node's clock. */
  readonly since: number;
  readonly endsMs: number;
  readonly holder: Holder;
  /** Whether others wait, as far as the lease tells. */
  readonly isWaitedFor: boolean;
  /** When it would end if the node's clock were never stepped, by the simulation's own time. */
  readonly dueAt: number;
}

/** All that a node keeps, as its keys do. */
export class NodeData {
  marker: string | null = null;
  readonly leases = new Map<string, StoredLease>();
  readonly counters = new Map<string, number>();
  /** What counters that no name has asked for yet have been raised to. */
  floor = 0;
  readonly waiters = new Map<string, Waiters>();
  records = new NodeRecords();
  readonly forced = new Map<string, { readonly owners: string; readonly endsMs: number }>();

  /** A copy, as a snapshot on a disk is one. */
  copy(): NodeData {
    const copy = new NodeData();
    copy.marker = this.marker;
    copy.floor = this.floor;
    copy.records = this.records.copy();
    for (const [name, lease] of this.leases) copy.leases.set(name, lease);
    for (const [name, counter] of this.counters) copy.counters.set(name, counter);
    for (const [name, forced] of this.forced) copy.forced.set(name, forced);
    for (const [name, { until, endsMs }] of this.waiters) {
      copy.waiters.set(name, { until: new Map(until), endsMs });
    }
    return copy;
  }

  counterOf(name: string): number {
    return this.counters.get(name) ?? this.floor;
  }

  raise(name: string, token: number): void {
    if (this.counterOf(name) < token) this.counters.set(name, token);
  }

  raiseAll(floor: number): void {
    this.floor = Math.max(this.floor, floor);
    for (const [name, counter] of this.counters) {
      if (counter < floor) this.counters.set(name, floor);
    }
  }

  get highest(): number {
    return Math.max(this.floor, ...this.counters.values());
  }

  /** By `nowMs`: a key is there for the whole of its last millisecond. */
  expire(nowMs: number, onExpired: (name: string, lease: StoredLease) => void): void {
    for (const [name, lease] of this.leases) {
      if (nowMs <= lease.endsMs) continue;
      this.leases.delete(name);
      onExpired(name, lease);
    }
    for (const [name, { endsMs }] of this.waiters) {
      if (nowMs > endsMs) this.waiters.delete(name);
    }
    this.records.expire(nowMs);
    for (const [name, { endsMs }] of this.forced) {
      if (nowMs > endsMs) this.forced.delete(name);
    }
  }
}

/** Those that wait for a name: until when each does, and until when the node keeps them at all. */
export interface Waiters {
  readonly until: Map<string, number>;
  endsMs: number;
}
