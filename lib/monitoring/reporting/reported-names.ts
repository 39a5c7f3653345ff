import type { Lease } from '../../core/lease.js';
import type { Tenure } from '../../core/tenure.js';
import type { Subject } from '../../stores/lock-store.interface.js';
import { compareNames, type ReportedName } from '../../stores/report.interface.js';

/** What has come and gone since the report before. */
export interface NameChanges {
  readonly added: readonly ReportedName[];
  readonly removed: readonly Subject[];
  /** Leases held at the moment, also those that are not told yet. */
  readonly held: number;
}

/**
 * Which names a process has told that it holds: those of leases that are old enough. A name that it holds with
 * several leases is told once, with the lowest token.
 */
export class ReportedNames {
  /** With the round in which the lease was seen last. */
  private readonly told = new Map<Lease, number>();
  /** Only permits and shared locks can be held several times. */
  private readonly shared = new Map<string, ReportedName[]>();
  private round = 0;

  get size(): number {
    let size = 0;
    for (const { units } of this.told.keys()) if (units === 0) size++;
    return size + this.shared.size;
  }

  all(): ReportedName[] {
    const names: ReportedName[] = [];
    for (const lease of this.told.keys()) if (lease.units === 0) names.push(nameOf(lease));
    for (const [first] of this.shared.values()) names.push(first!);
    return names;
  }

  /** @param bornBefore a lease must have begun by then to be told */
  update(tenures: Iterable<Tenure>, bornBefore: number): NameChanges {
    const { told } = this;
    const round = ++this.round;
    const added = new Map<string, ReportedName>();
    const removed = new Map<string, Subject>();
    const news: Lease[] = [];
    let held = 0;
    for (const { lease } of tenures) {
      held++;
      if (told.has(lease)) told.set(lease, round);
      else if (lease.beganAt <= bornBefore) news.push(lease);
    }
    for (const [lease, seen] of told) {
      if (seen === round) continue;
      told.delete(lease);
      const id = idOf(lease);
      const left = lease.units > 0 ? this.withoutShared(id, lease) : undefined;
      if (left) added.set(id, left);
      else removed.set(id, lease);
    }
    for (const lease of news) {
      told.set(lease, round);
      const id = idOf(lease);
      added.set(id, lease.units > 0 ? this.withShared(id, lease) : nameOf(lease));
    }
    for (const id of added.keys()) removed.delete(id);
    return { added: [...added.values()], removed: [...removed.values()].map(subjectOf), held };
  }

  private withShared(id: string, lease: Lease): ReportedName {
    const names = [...(this.shared.get(id) ?? []), nameOf(lease)].sort(compareNames);
    this.shared.set(id, names);
    return names[0]!;
  }

  /** What it is still held with. */
  private withoutShared(id: string, { fencingToken }: Lease): ReportedName | undefined {
    const names = this.shared.get(id)!.filter((each) => each.fencingToken !== fencingToken);
    if (names.length > 0) this.shared.set(id, names);
    else this.shared.delete(id);
    return names[0];
  }
}

const idOf = ({ kind, name }: Subject): string => `${kind} ${name}`;

const subjectOf = ({ kind, name }: Subject): Subject => ({ kind, name });

/** Not the lease, which knows its owner: that is a secret. */
const nameOf = ({ kind, name, fencingToken }: Lease): ReportedName => ({
  kind,
  name,
  fencingToken,
});
