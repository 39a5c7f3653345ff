import type { ListId } from './node-port.interface.js';
import { bucketOf, BUCKET_TAGS } from '../redis/redis-keys.js';

/** Where a node keeps what belongs to one name. */
export interface QuorumKeys {
  readonly lease: string;
  readonly waiters: string;
  readonly forced: string;
  /** What is recorded of it, where it is done once. */
  readonly outcome: string;
  /** One of 256, so that nothing is left behind for a name that is no longer used. */
  readonly counter: string;
}

/** The names of all that a node keeps under one prefix: apart from those of a single deployment. */
export class QuorumKeySpace {
  /** What the node keeps about itself. */
  readonly marker: string;
  readonly counters: readonly string[];
  private readonly root: string;
  private readonly leases: string;

  constructor(readonly prefix: string) {
    this.root = `${prefix}:quorum:`;
    this.leases = `${this.root}lease:`;
    this.marker = `${this.root}node`;
    this.counters = BUCKET_TAGS.map((bucket) => `${this.root}tokens:${bucket}`);
  }

  of(name: string): QuorumKeys {
    return {
      lease: this.leases + name,
      waiters: `${this.root}waiters:${name}`,
      forced: `${this.root}forced:${name}`,
      outcome: `${this.root}outcome:${name}`,
      counter: this.counters[bucketOf(name)]!,
    };
  }

  /** The names of elements that are listed there. */
  list(id: ListId): string {
    return `${this.root}${id}`;
  }

  /** Which lists there are. */
  get lists(): string {
    return `${this.root}lists`;
  }

  /** What the keys begin with in which processes tell of themselves. */
  get reportPrefix(): string {
    return this.root.slice(0, -1);
  }

  /** Where it is told that a name became free. */
  get channel(): string {
    return `${this.marker}:freed`;
  }

  nameOf(leaseKey: string): string {
    return leaseKey.slice(this.leases.length);
  }
}
