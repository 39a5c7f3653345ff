import type { Redis } from 'ioredis';
import type { LockService } from 'nestjs-locker';
import { type NodeMarker, parseMarker } from '../../lib/stores/quorum/node-port.interface.js';
import { QuorumKeySpace } from '../../lib/stores/quorum/quorum-keys.js';
import { scriptCalls } from './queue.js';
import type { RedisServer } from './redis-server.js';
import { until } from './until.js';

const keys = new QuorumKeySpace('lock');
const remains = (found: string[]): string[] =>
  found.filter(
    (key) =>
      key !== keys.marker &&
      !keys.counters.includes(key) &&
      !key.startsWith(`${keys.reportPrefix}:reports:`),
  );

/** Where a node of a quorum keeps what belongs to a name. */
export const nodeKeys = (name: string) => keys.of(name);

/** Looks at what each of the servers has of a quorum, past the library. */
export class NodeLook {
  readonly clients: readonly Redis[];

  constructor(servers: readonly RedisServer[]) {
    this.clients = servers.map((server) => server.client());
  }

  /** For how many ms yet each has a lease of the name, of these or of all; -2 where there is none. */
  leases(name: string, which?: readonly number[]): Promise<number[]> {
    return this.onEach((client) => client.pttl(nodeKeys(name).lease), which);
  }

  /** The token that each has stored with the lease of the name; `NaN` where there is none. */
  tokens(name: string): Promise<number[]> {
    const { lease } = nodeKeys(name);
    return this.onEach(async (client) => Number((await client.get(lease))?.split(' ')[1]));
  }

  /** How many of them have a lease of the name. */
  async countLeases(name: string): Promise<number> {
    return (await this.leases(name)).filter((ms) => ms > 0).length;
  }

  /** How many wait for the name, on each of these or of all; who has it may stand there still, and does not count. */
  waiting(name: string, which?: readonly number[]): Promise<number[]> {
    const { lease, waiters } = nodeKeys(name);
    return this.onEach(async (client) => {
      const [owners, held] = await Promise.all([
        client.zrange(waiters, '0', '-1'),
        client.get(lease),
      ]);
      return owners.filter((owner) => !held?.includes(owner)).length;
    }, which);
  }

  /**
   * Resolves once so many wait for the name on every node, and as many processes are told by each. A node that was
   * too slow to be given the lease has nobody to wait for it.
   */
  async untilWaiting(name: string, count: number, listening = 1): Promise<void> {
    const isTold = async (client: Redis) => {
      const [, told] = (await client.pubsub('NUMSUB', keys.channel)) as [string, number];
      return Number(told) >= listening;
    };
    const isThere = async () => {
      const [waiting, left, told] = await Promise.all([
        this.waiting(name),
        this.leases(name),
        this.onEach(isTold),
      ]);
      const isSo = waiting.map((each) => each === count);
      const isMajority = 2 * isSo.filter(Boolean).length > isSo.length;
      const isAll = isSo.every((so, i) => so || left[i]! < 0);
      return isMajority && isAll && !told.includes(false);
    };
    await until(isThere, { what: `${count} wait for "${name}"`, timeoutMs: 15_000 });
  }

  /** How many scripts each has been asked to run since `resetCalls`. */
  calls(): Promise<number[]> {
    return this.onEach(scriptCalls);
  }

  async resetCalls(): Promise<void> {
    await this.onEach((client) => client.config('RESETSTAT'));
  }

  /**
   * Takes away what each keeps of a lease taken by force, for whoever had it, until it would have ended anyway.
   *
   * @returns in how many ms it would have ended, on each
   */
  async dropForced(name: string): Promise<number[]> {
    const { forced } = nodeKeys(name);
    const left = await this.onEach((client) => client.pttl(forced));
    await this.onEach((client) => client.del(forced));
    return left;
  }

  /** What each keeps about itself; `null` where that is not there. */
  markers(): Promise<(NodeMarker | null)[]> {
    return this.onEach(async (client) => parseMarker((await client.get(keys.marker)) ?? ''));
  }

  /** The highest token that each knows of. */
  highestTokens(): Promise<number[]> {
    return this.onEach(async (client) => {
      const counters = await client.mget(...keys.counters);
      return Math.max(...counters.map(Number));
    });
  }

  /** The lowest counter of each; 0 where one is missing. */
  lowestCounters(): Promise<number[]> {
    return this.onEach(async (client) => {
      const counters = await client.mget(...keys.counters);
      return Math.min(...counters.map(Number));
    });
  }

  /** Fails if something but counters and markers stays on any of them; then it is gone for the next test. */
  async untilNothingRemains(): Promise<void> {
    let left: string[][] = [];
    const isEmpty = async () => {
      left = await this.onEach((client) => client.keys('*').then(remains));
      return left.flat().length === 0;
    };
    await until(isEmpty, { what: 'nothing is left', timeoutMs: 10_000 }).catch(
      async (error: Error) => {
        const texts = await Promise.all(left.map((names, i) => this.describe(i, names)));
        throw new Error(`${error.message}:\n${texts.flat().join('\n')}`);
      },
    );
  }

  private describe(node: number, names: readonly string[]): Promise<string[]> {
    const client = this.clients[node]!;
    return Promise.all(
      names.map(async (key) => {
        const [text, ms] = await Promise.all([client.get(key).catch(() => '…'), client.pttl(key)]);
        await client.del(key);
        return `node ${node}: ${key} = ${text} (${ms} ms)`;
      }),
    );
  }

  private onEach<T>(look: (client: Redis) => Promise<T>, which?: readonly number[]): Promise<T[]> {
    return Promise.all(this.clients.filter((_, i) => which?.includes(i) ?? true).map(look));
  }
}

/** Resolves once a service sees its nodes so, in their order. */
export async function untilNodes(locks: LockService, ...states: string[]): Promise<void> {
  const seen = () => locks.nodes().map(({ state }) => state);
  const isSo = () => seen().every((state, i) => state === states[i]);
  await until(isSo, { what: `the nodes are ${states.join(', ')}`, timeoutMs: 20_000 }).catch(
    (error: Error) => {
      throw new Error(`${error.message}: they are ${seen().join(', ')}`);
    },
  );
}

/** Resolves once all nodes of a service vote. */
export const untilAllVote = (locks: LockService): Promise<void> =>
  untilNodes(locks, ...locks.nodes().map(() => 'voting'));

/** Resolves once every node takes part in a lock, and knows the script: from then on a question is one call. */
export async function warmUp(locks: LockService, look: NodeLook): Promise<void> {
  const hasLeases = (count: number) =>
    until(async () => (await look.countLeases('warm')) === count, { what: `${count} have it` });
  const takePart = async () => {
    const lock = await locks.acquire('warm');
    const isOnAll = await hasLeases(look.clients.length).then(
      () => true,
      () => false, // on a busy machine one may have been too slow to be asked
    );
    await lock.release();
    return isOnAll;
  };
  await until(takePart, { what: 'all take part', timeoutMs: 20_000 });
  await hasLeases(0);
}

/** What an error of the store says, without its list of all nodes. */
export const reasonOf = (error: unknown): string =>
  (error as Error).message.replace(/\(\d+ nodes: [^)]*\)/, '');
