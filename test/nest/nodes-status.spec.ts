import { inspect } from 'node:util';
import { describe, expect, it, jest } from '@jest/globals';
import type {
  LockEvent,
  LockModuleOptions,
  LockNodeEvent,
  LockService,
  NodeStatus,
} from 'nestjs-locker';
import { TestLockStore } from 'nestjs-locker/testing';
import { afterTest, eventsOf, lockService, RecordingLogger } from '../support/lock-service.js';
import { RedisNodes } from '../support/redis-nodes.js';
import { until } from '../support/until.js';

// Servers start and end.
jest.setTimeout(60_000);

const MAX_TTL_MS = 1_000;

interface Watched {
  readonly nodes: RedisNodes;
  readonly locks: LockService;
  readonly events: LockEvent[];
  readonly logger: RecordingLogger;
}

/** A service over three servers that all vote. */
async function start(options: LockModuleOptions = {}): Promise<Watched> {
  const nodes = await RedisNodes.start(3);
  afterTest(() => nodes.stop());
  const logger = new RecordingLogger();
  const locks = await lockService({
    nodes: nodes.urls,
    ttl: MAX_TTL_MS,
    firstDeployment: true,
    logger,
    ...options,
  });
  await untilStates(locks, ['voting', 'voting', 'voting']);
  const events = eventsOf(locks);
  return { nodes, locks, events, logger };
}

async function untilStates(locks: LockService, states: NodeStatus['state'][]): Promise<void> {
  const now = (): string =>
    locks
      .nodes()
      .map(({ state }) => state)
      .join();
  await until(() => now() === states.join(), {
    what: `the nodes are ${states.join()}`,
    timeoutMs: 20_000,
  });
}

/** What was told of a node. */
function toldOf(events: readonly LockEvent[], node: string): string[] {
  return events.flatMap((event) => {
    if (event.type !== 'node' || event.node !== node) return [];
    return [event.reason ? `${event.state}: ${event.reason}` : event.state];
  });
}

describe('locks.nodes()', () => {
  it('is empty where there are no several nodes', async () => {
    const ofOne = await lockService({ redis: process.env['REDIS_URL'] });
    const ofMemory = await lockService({ store: new TestLockStore() });
    expect([ofOne.nodes(), ofMemory.nodes()]).toEqual([[], []]);
  });

  it('tells each node in the order of the option, and where its clock is', async () => {
    const { nodes, locks } = await start();
    expect(locks.nodes()).toEqual(
      nodes.servers.map(({ port }) => ({
        node: `Redis at 127.0.0.1:${port}`,
        state: 'voting',
        reason: null,
        votesInMs: null,
        clockOffsetMs: expect.any(Number),
        error: null,
      })),
    );
    for (const { clockOffsetMs } of locks.nodes())
      expect(Math.abs(clockOffsetMs!)).toBeLessThan(500);
  });

  it('shows no password', async () => {
    const { nodes } = await start();
    await nodes.servers[0]!.client().config('SET', 'requirepass', 'open');
    await nodes.servers[1]!.client().config('SET', 'requirepass', 'sesame');
    const [one, two, three] = nodes.servers.map(({ port }) => `redis://:sesame@127.0.0.1:${port}`);
    const logger = new RecordingLogger();
    const locks = await lockService({ nodes: [one!, two!, three!], ttl: MAX_TTL_MS, logger });
    await until(() => locks.nodes()[0]!.error !== null, { what: 'the reason is known' });
    expect(locks.nodes()[0]!.error!.message).toMatch(/WRONGPASS|invalid/);
    expect(inspect(locks.nodes(), { depth: 5, showHidden: true })).not.toContain('sesame');
    expect(inspect(locks)).not.toContain('sesame');
    expect(logger.lines.join()).not.toContain('sesame');
  });
});

describe('a node that does not vote', () => {
  it('is told when it goes down, forgets, and votes again', async () => {
    const { nodes, locks, events, logger } = await start();
    const [{ node }] = locks.nodes() as [NodeStatus];
    await nodes.kill(0);
    await until(() => locks.nodes()[0]!.error !== null, { what: 'the reason is known' });
    expect(locks.nodes()[0]).toMatchObject({
      node,
      state: 'unreachable',
      reason: null,
      votesInMs: null,
    });
    expect(locks.nodes()[0]!.error!.message).toContain('ECONNREFUSED');
    expect(await locks.withLock('a', () => 'done')).toBe('done');

    await nodes.restart(0);
    await until(() => toldOf(events, node).at(-1) === 'voting', {
      what: 'it votes again',
      timeoutMs: 20_000,
    });
    expect(locks.nodes()[0]).toMatchObject({ node, state: 'voting', reason: null, error: null });
    // In between it may have been met while it was new.
    expect(toldOf(events, node).filter((state) => state !== 'blank')).toEqual([
      'unreachable',
      'quarantined: emptied',
      'voting',
    ]);
    const [quarantined] = events.filter(
      (event) => event.type === 'node' && event.state === 'quarantined',
    ) as LockNodeEvent[];
    expect(quarantined!.votesInMs).toBeGreaterThan(0);
    expect(quarantined!.votesInMs).toBeLessThanOrEqual(MAX_TTL_MS * 1.01 + 2);
    expect(logger.lines.join('\n')).toMatch(
      new RegExp(
        [
          `warn Node ${node} gives no answer\\.`,
          `warn Node ${node} does not vote for another \\d+ ms: it has no memory of its votes, so it is new or was emptied\\.`,
          `log Node ${node} votes\\.`,
        ].join('[^]*'),
      ),
    );
  });

  it('is told when it falls silent, and when it answers again', async () => {
    const { nodes, locks, events, logger } = await start({ nodeTimeout: 200 });
    const [, { node }] = locks.nodes() as [NodeStatus, NodeStatus];
    nodes.pause(1);
    expect(await locks.withLock('a', () => 'done')).toBe('done');
    await untilStates(locks, ['voting', 'silent', 'voting']);
    nodes.resume(1);
    await untilStates(locks, ['voting', 'voting', 'voting']);
    // Before, on a machine that is busy enough, it may have been slow.
    expect(toldOf(events, node).slice(-2)).toEqual(['silent', 'voting']);
    expect(logger.lines).toContain(`warn Node ${node} does not answer in time.`);
  });
});
