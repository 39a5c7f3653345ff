import type { Subject } from '../lock-store.interface.js';

const BUCKETS = 256;
const DAY_S = 86_400;

/** Where Redis keeps what belongs to one name: every key has the same tag, so all sit in one Cluster slot. */
export interface NameKeys {
  readonly lease: string;
  readonly queue: string;
  readonly waiters: string;
  readonly tokenCounter: string;
  /** The tags that users make up are many, so their counters end; the 256 of ours stay. */
  readonly tokenCounterTtlS: number;
}

/**
 * The tag of a name: its own `{…}`, by the rule of Redis Cluster, or else one of 256 buckets, so
 * that nothing is left behind for a name that is no longer used.
 *
 * @see https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/#hash-tags
 */
export function tagOf(name: string): string {
  return ownTag(name) ?? String(bucketOf(name));
}

export function keysOf(prefix: string, { name, kind }: Subject): NameKeys {
  const own = ownTag(name);
  const root = `${prefix}:{${own ?? bucketOf(name)}}:`;
  const what = kind === 'lock' ? root : `${root}permit-`;
  return {
    lease: `${what}lease:${name}`,
    queue: `${what}queue:${name}`,
    waiters: `${what}waiters:${name}`,
    tokenCounter: `${root}tokens`,
    tokenCounterTtlS: own === undefined ? 0 : DAY_S,
  };
}

/** All tags that names without one of their own have. */
export const BUCKET_TAGS: readonly string[] = Array.from({ length: BUCKETS }, (_, i) => String(i));

/** Where the outcome of a name is kept, in the same slot. */
export function recordKeyOf(prefix: string, name: string): string {
  return `${prefix}:{${tagOf(name)}}:outcome:${name}`;
}

/** The names of a job and a tag that are processed, and those that are begun. */
export function listKeysOf(prefix: string, tag: string, job: string): readonly [string, string] {
  const root = `${prefix}:{${tag}}:`;
  return [`${root}processed:${job}`, `${root}begun:${job}`];
}

/** The tags of their own that names of a job have. */
export function tagsKeyOf(prefix: string, job: string): string {
  return `${prefix}:tags:${job}`;
}

/** The tag that a name brings itself, of which there may be any number. */
export function ownTag(name: string): string | undefined {
  const open = name.indexOf('{');
  const close = open < 0 ? -1 : name.indexOf('}', open);
  return close > open + 1 ? name.slice(open + 1, close) : undefined;
}

/** FNV-1a over UTF-16 code units; every client of a prefix must compute the same. */
export function bucketOf(name: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) {
    hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  }
  return (hash >>> 0) % BUCKETS;
}

/** Where one process tells what it holds, both in one slot. */
export interface ReportKeys {
  readonly record: string;
  readonly names: string;
}

export function reportKeysOf(prefix: string, id: string): ReportKeys {
  const record = `${prefix}:reports:{${id}}`;
  return { record, names: `${record}:names` };
}

/** Where all processes tell that they are there, what has happened, and what jobs they have. */
export function commonReportKeys(prefix: string) {
  const root = `${prefix}:reports:`;
  return { processes: `${root}processes`, events: `${root}events`, jobs: `${root}jobs` };
}
