import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { Lock, LockService } from 'nestjs-locker';
import { lockService } from '../support/lock-service.js';
import type { NodeLinks } from '../support/node-links.js';
import { NodeLook, untilAllVote } from '../support/quorum.js';
import { RedisNodes } from '../support/redis-nodes.js';

jest.setTimeout(60_000);

const SERVICES = 20;
/** For so long a split vote is tried again; long enough for a machine that is busy with other things. */
const NODE_TIMEOUT_MS = 2_000;

let look: NodeLook;
// Not within: the services of a test are closed before.
afterEach(() => look.untilNothingRemains());

/** Those that vote for different ones at once: nobody has a majority until some of them give way. */
describe.each([3, 5])('a free name that many services want at once, over %d nodes', (count) => {
  let nodes: RedisNodes;
  beforeAll(async () => {
    nodes = await RedisNodes.start(count);
    look = new NodeLook(nodes.servers);
  });
  afterAll(() => nodes.stop());

  const start = async (urlsOf: (i: number) => Promise<string[]>): Promise<LockService[]> => {
    const services = await Promise.all(
      Array.from({ length: SERVICES }, async (_, i) =>
        lockService({
          nodes: await urlsOf(i),
          ttl: '10s',
          firstDeployment: true,
          nodeTimeout: NODE_TIMEOUT_MS,
          storeTimeout: 4 * NODE_TIMEOUT_MS,
        }),
      ),
    );
    await Promise.all(services.map(untilAllVote));
    return services;
  };
  /** Each by ways of its own, of which another is slow each time: they come first to different nodes. */
  const byUnlikeWays = async (i: number): Promise<string[]> => {
    const links: NodeLinks = await nodes.links();
    links.proxies.forEach((proxy, node) => (proxy.delayMs = (node + i) % count === 0 ? 0 : 15));
    return links.urls;
  };

  it('goes to exactly one of those that try, and soon', async () => {
    const services = await start(async () => nodes.urls);
    const tokens: number[] = [];
    for (let round = 0; round < 5; round++) {
      const began = performance.now();
      const name = `invoice:${round}`;
      const tries = await Promise.all(services.map((locks) => locks.tryAcquire(name)));
      expect(performance.now() - began).toBeLessThan(2 * NODE_TIMEOUT_MS);
      const winners = tries.filter((lock) => lock !== null);
      expect(winners).toHaveLength(1);
      tokens.push(winners[0]!.fencingToken);
      expect(await winners[0]!.release()).toBe('released');
    }
    expect(new Set(tokens).size).toBe(5);
  });

  it('goes to exactly one also where each meets the nodes in another order', async () => {
    const services = await start(byUnlikeWays);
    for (let round = 0; round < 5; round++) {
      const name = `invoice:${round}`;
      const tries = await Promise.all(services.map((locks) => locks.tryAcquire(name)));
      const winners = tries.filter((lock) => lock !== null);
      expect(winners).toHaveLength(1);
      expect(await winners[0]!.release()).toBe('released');
    }
  });

  it('goes from one to the next of those that wait, until each has had it', async () => {
    const services = await start(async () => nodes.urls);
    const tokens: number[] = [];
    let holders = 0;
    const work = async (lock: Lock) => {
      expect(++holders).toBe(1);
      tokens.push(lock.fencingToken);
      await new Promise(setImmediate);
      holders--;
    };
    const began = performance.now();
    await Promise.all(services.map((locks) => locks.withLock('report', work, { wait: '40s' })));
    // Who lost a split, or was not told, would ask a second later.
    expect(performance.now() - began).toBeLessThan((SERVICES / 2) * 1_000);
    expect(tokens).toEqual([...new Set(tokens)].sort((a, b) => a - b));
    expect(tokens).toHaveLength(SERVICES);
  });
});
