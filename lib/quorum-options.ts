import { TTL_BOUNDS } from './core/acquire-options.js';
import { describeValue } from './core/describe-value.js';
import { type Duration, parseDuration } from './core/duration.js';
import { LockOptionsError } from './lock.errors.js';
import type { LockStore } from './stores/lock-store.interface.js';
import { NodeStepCodec } from './stores/quorum/node-step-codec.js';
import { duplicateError } from './stores/quorum/quorum-errors.js';
import { QuorumKeySpace } from './stores/quorum/quorum-keys.js';
import { QuorumLockStore } from './stores/quorum/quorum-lock.store.js';
import { RedisNodePort } from './stores/quorum/redis-node.port.js';
import type { RedisSource } from './stores/redis/redis-connection.js';

/** Those of the module's options that are for several nodes. */
export interface QuorumOptions {
  /**
   * Redlock: an odd number, three or more, of independent servers; each a URL, ioredis options or a `Redis` client of your own, after which the module makes a connection of its own. A lock is one that a
   * majority of them has granted. Instead of `redis`.
   */
  readonly nodes?: readonly RedisSource[] | undefined;
  /**
   * With `nodes`: the longest ttl in use, the same in every service; longer ones are refused. For so long a node
   * that has lost its data, or whose clock has jumped, does not vote. Default: `ttl`.
   */
  readonly maxTtl?: Duration;
  /**
   * With `nodes`: after how long without an answer nobody waits for a node any more, up to a quarter of
   * `storeTimeout`. Default: 500 ms.
   */
  readonly nodeTimeout?: Duration;
  /**
   * With `nodes`: servers that are all blank vote at once, instead of after `maxTtl`. For the very first start
   * and for tests: should all lose their data together, locks that are held would be forgotten. Default: false.
   */
  readonly firstDeployment?: boolean;
}

const BESIDE_NODES = ['maxTtl', 'nodeTimeout', 'firstDeployment'] as const;

export const QUORUM_OPTIONS: readonly string[] = ['nodes', ...BESIDE_NODES];

/** What of the module's other options the store over nodes needs. */
export interface QuorumContext {
  readonly ttlMs: number;
  readonly storeTimeoutMs: number;
  readonly prefix: string;
  /** It looks on: takes nodes as others have marked them. */
  readonly isObserver?: boolean;
}

const DEFAULT_NODE_TIMEOUT_MS = 500;

const NODE_TIMEOUT_BOUNDS = { min: 1, max: 2 ** 31 - 1 } as const;

/** How many rounds must fit in one step of the store: two as a rule, and others after a split vote. */
const ROUNDS = 4;

/** @throws LockOptionsError for an option that says nothing without `nodes` */
export function refuseQuorumOptions(options: QuorumOptions): void {
  for (const key of BESIDE_NODES) {
    if (options[key] === undefined) continue;
    throw new LockOptionsError(
      `LockModule option "${key}" is for several servers: name them in "nodes", or leave it out.`,
    );
  }
}

/**
 * Checks the options and makes the store over the nodes.
 *
 * @throws LockOptionsError for a value that is none
 */
export function quorumStoreOf(
  options: QuorumOptions & Required<Pick<QuorumOptions, 'nodes'>>,
  { ttlMs, storeTimeoutMs, prefix, isObserver = false }: QuorumContext,
): LockStore {
  const nodes = checkedNodes(options.nodes);
  const times = {
    maxTtlMs: maxTtlOf(options, ttlMs),
    nodeTimeoutMs: nodeTimeoutOf(options, storeTimeoutMs),
  };
  const isFirstDeployment = isFirst(options);
  const keys = new QuorumKeySpace(prefix);
  const codec = new NodeStepCodec(keys);
  const ports = nodes.map((node, i) => new RedisNodePort(node, `nodes[${i}]`, keys, codec));
  refuseDuplicates(ports);
  return new QuorumLockStore(ports, { ...times, isFirstDeployment, isObserver });
}

function checkedNodes(nodes: unknown): readonly RedisSource[] {
  if (!Array.isArray(nodes)) {
    // Not the value: it may well be a URL with a password.
    const type = nodes === null ? 'null' : `a ${typeof nodes}`.replace('a object', 'an object');
    throw new LockOptionsError(
      `LockModule option "nodes" is ${type}; write a list of URLs, options of ioredis, or clients.`,
    );
  }
  refuseNumber(nodes.length);
  nodes.forEach((node: unknown, i) => {
    const isSource = typeof node === 'string' || (typeof node === 'object' && node !== null);
    if (isSource && !Array.isArray(node)) return;
    throw new LockOptionsError(
      `LockModule option "nodes[${i}]" is ${describeValue(node)}; write a URL such as 'redis://redis-${i + 1}:6379', ` +
        'options of ioredis, or a client.',
    );
  });
  return nodes as RedisSource[];
}

function refuseNumber(count: number): void {
  if (count >= 3 && count % 2 === 1) return;
  const why =
    count === 1
      ? ' A single one is the option "redis".'
      : count > 0
        ? ` With ${count}, no more of them may fail than with ${count - 1}.`
        : '';
  throw new LockOptionsError(
    `LockModule option "nodes" names ${count} server${count === 1 ? '' : 's'}; name an odd number of independent ones, ` +
      `three or more.${why}`,
  );
}

function maxTtlOf({ maxTtl }: QuorumOptions, ttlMs: number): number {
  if (maxTtl === undefined) return ttlMs;
  const maxTtlMs = parseDuration(maxTtl, 'LockModule option "maxTtl"', TTL_BOUNDS);
  if (maxTtlMs >= ttlMs) return maxTtlMs;
  throw new LockOptionsError(
    `LockModule option "maxTtl" (${maxTtlMs} ms) is below "ttl" (${ttlMs} ms); write the longest ttl that is in use.`,
  );
}

function nodeTimeoutOf({ nodeTimeout }: QuorumOptions, storeTimeoutMs: number): number {
  const mostMs = Math.max(1, Math.floor(storeTimeoutMs / ROUNDS));
  if (nodeTimeout === undefined) return Math.min(DEFAULT_NODE_TIMEOUT_MS, mostMs);
  const what = 'LockModule option "nodeTimeout"';
  const nodeTimeoutMs = parseDuration(nodeTimeout, what, NODE_TIMEOUT_BOUNDS);
  if (nodeTimeoutMs <= mostMs) return nodeTimeoutMs;
  throw new LockOptionsError(
    `${what} (${nodeTimeoutMs} ms) is above a quarter of "storeTimeout" (${storeTimeoutMs} ms), in which several rounds ` +
      `must fit. Write ${mostMs} ms or less, or raise "storeTimeout".`,
  );
}

function isFirst({ firstDeployment = false }: QuorumOptions): boolean {
  if (typeof firstDeployment === 'boolean') return firstDeployment;
  throw new LockOptionsError(
    `LockModule option "firstDeployment" is ${describeValue(firstDeployment)}; write true or false.`,
  );
}

/** By where they are; the same server under another name is found when it answers. */
function refuseDuplicates(ports: readonly RedisNodePort[]): void {
  const known = new Map<string, string>();
  ports.forEach(({ description }, i) => {
    const other = known.get(description);
    if (other !== undefined) throw duplicateError(other, `nodes[${i}] (${description})`);
    known.set(description, `nodes[${i}]`);
  });
}
