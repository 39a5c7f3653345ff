import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { LockOptionsError, LockService, LockStoreError } from 'nestjs-locker';
import {
  afterTest,
  errorOf,
  eventsOf,
  type LockAppOptions,
  lockApp,
  lockService,
  RecordingLogger,
  watch,
} from '../support/lock-service.js';
import { NodeLook, reasonOf, untilAllVote, untilNodes } from '../support/quorum.js';
import { RedisNodes } from '../support/redis-nodes.js';
import { HOST, RedisServer } from '../support/redis-server.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { until } from '../support/until.js';

jest.setTimeout(60_000);

const MARKER = 'lock:quorum:node';

let nodes: RedisNodes;
let look: NodeLook;
beforeEach(async () => {
  nodes = await RedisNodes.start(3);
  look = new NodeLook(nodes.servers);
});
afterEach(() => nodes.stop());

const portOf = (node: number) => nodes.servers[node]!.port;
const found = async (options: Partial<LockAppOptions> = {}): Promise<void> => {
  const app = await lockApp({ nodes: nodes.urls, firstDeployment: true, ...options });
  await untilAllVote(app.get(LockService));
  await app.close();
};

describe('a first deployment', () => {
  it('votes at once where that is said', async () => {
    const locks = await lockService({ nodes: nodes.urls, maxTtl: '1 hour', firstDeployment: true });
    await untilAllVote(locks);
    for (const marker of await look.markers()) {
      expect(marker).toMatchObject({ state: 'voting', reason: 'first', maxTtlMs: 3_600_000 });
    }
    expect(locks.nodes()).toEqual(
      nodes.urls.map((_, i) => ({
        node: `Redis at ${HOST}:${portOf(i)}`,
        state: 'voting',
        reason: null,
        votesInMs: null,
        clockOffsetMs: expect.any(Number),
        error: null,
      })),
    );
    for (const { clockOffsetMs } of locks.nodes())
      expect(Math.abs(clockOffsetMs!)).toBeLessThan(1_000);
  });

  it('votes at once also where many services start together', async () => {
    const options = { nodes: nodes.urls, maxTtl: '1 hour', firstDeployment: true } as const;
    const services = await Promise.all(Array.from({ length: 8 }, () => lockService(options)));
    await Promise.all(services.map(untilAllVote));
    const reasons = (await look.markers()).map((marker) => marker?.reason);
    expect(reasons).toEqual(['first', 'first', 'first']);
  });

  it('waits for every node, and says which is missing', async () => {
    await nodes.kill(1);
    const options = { nodes: nodes.urls, maxTtl: '1 hour', firstDeployment: true } as const;
    const error = await errorOf(lockApp({ ...options, connectTimeout: 1_500 }));
    expect(error).toBeInstanceOf(LockStoreError);
    expect(reasonOf(error)).toContain(`:${portOf(1)}`);
    for (const node of [0, 2]) expect(await look.clients[node]!.exists(MARKER)).toBe(0);

    const started = watch(lockService({ ...options, connectTimeout: 30_000 }));
    await nodes.restart(1);
    await until(() => started.settled, { what: 'it has started', timeoutMs: 30_000 });
    await untilAllVote(started.value!);
    expect(await look.markers()).toMatchObject(Array(3).fill({ state: 'voting', reason: 'first' }));
  });

  it('is none where a node has a past: the one that has none is kept from voting', async () => {
    await found({ maxTtl: '1 hour' });
    await look.clients[2]!.flushall();
    const options = { nodes: nodes.urls, maxTtl: '1 hour', firstDeployment: true } as const;
    const locks = await lockService(options);
    await untilNodes(locks, 'voting', 'voting', 'quarantined');
    expect((await look.markers())[2]).toMatchObject({ reason: 'emptied' });
  });

  it('takes its time where it is not said to be one, and tells for how long', async () => {
    const error = await errorOf(
      lockApp({ nodes: nodes.urls, maxTtl: '1 hour', connectTimeout: 1_500 }),
    );
    expect(error).toBeInstanceOf(LockStoreError);
    for (const node of [0, 1, 2]) expect(reasonOf(error)).toContain(`:${portOf(node)}`);
    expect(reasonOf(error)).toContain('firstDeployment');
    const markers = await look.markers();
    for (const marker of markers) {
      expect(marker).toMatchObject({ state: 'quarantined', reason: 'emptied' });
    }
  });

  it('votes after that time', async () => {
    const began = performance.now();
    const locks = await lockService({ nodes: nodes.urls, ttl: 1_000, connectTimeout: 30_000 });
    expect(performance.now() - began).toBeGreaterThan(1_000);
    await untilAllVote(locks);
    const lock = await locks.acquire('a');
    expect(await lock.release()).toBe('released');
  });
});

describe('a service that starts later', () => {
  it('votes at once, with a majority', async () => {
    await found({ maxTtl: '1 hour' });
    await nodes.kill(2);
    const locks = await lockService({ nodes: nodes.urls, maxTtl: '1 hour' });
    await untilNodes(locks, 'voting', 'voting', 'unreachable');
    expect(locks.nodes()[2]!.error?.message).toMatch(/ECONNREFUSED|refused|closed/i);
    const lock = await locks.acquire('a');
    expect(await lock.release()).toBe('released');
  });

  it('has nodes of another prefix to itself', async () => {
    await found();
    const one = await lockService({ nodes: nodes.urls });
    const other = await lockService({ nodes: nodes.urls, prefix: 'other', firstDeployment: true });
    const [a, b] = await Promise.all([one.acquire('a'), other.acquire('a')]);
    expect(await Promise.all([a.release(), b.release()])).toEqual(['released', 'released']);
  });
});

describe('the same server', () => {
  it.each([0, 1, 2])('is refused under two names (as node %d)', async (at) => {
    const proxy = await TcpProxy.start(portOf(0));
    afterTest(() => proxy.stop());
    const urls = nodes.urls.slice(0, 2);
    urls.splice(at, 0, proxy.url);
    const options = { nodes: urls, maxTtl: '1 hour', firstDeployment: true, connectTimeout: 5_000 };
    const began = performance.now();
    const error = await errorOf(lockApp(options as LockAppOptions));
    expect(error).toBeInstanceOf(LockOptionsError);
    expect((error as Error).message).toContain(`:${proxy.port}`);
    expect((error as Error).message).toContain(`:${portOf(0)}`);
    expect(performance.now() - began).toBeLessThan(4_000);
  });

  it('is refused under two names also where it votes already', async () => {
    await found();
    const proxy = await TcpProxy.start(portOf(0));
    afterTest(() => proxy.stop());
    // It is up with a majority before the third one answers: that one never votes.
    proxy.delayMs = 150;
    const locks = await lockService({ nodes: [nodes.urls[0]!, nodes.urls[1]!, proxy.url] });
    await until(() => locks.nodes()[2]!.error !== null, { what: 'it is noticed' });
    expect(locks.nodes()[2]).toMatchObject({ state: 'unreachable' });
    expect(locks.nodes()[2]!.error!.message).toContain('same server');
  });

  it('is refused by its URL before anything is asked', async () => {
    const [url] = nodes.urls as [string];
    const error = await errorOf(lockApp({ nodes: [url, nodes.urls[1]!, url] }));
    expect(error).toBeInstanceOf(LockOptionsError);
    expect((error as Error).message).toContain('nodes[2]');
  });
});

describe('a server that can be no node', () => {
  it('is a replica, which is told, and the others go on without it', async () => {
    await found();
    await look.clients[2]!.replicaof(HOST, String(portOf(0)));
    const locks = await lockService({ nodes: nodes.urls });
    await untilNodes(locks, 'voting', 'voting', 'unreachable');
    await until(() => locks.nodes()[2]!.error !== null, { what: 'it is told why' });
    expect(locks.nodes()[2]!.error!.message).toContain('is a replica');
    const lock = await locks.acquire('a');
    expect(await lock.release()).toBe('released');
  });

  it('is one that becomes a replica while it is up, and once it is none any more has forgotten', async () => {
    const locks = await lockService({ nodes: nodes.urls, ttl: 2_000, firstDeployment: true });
    await untilAllVote(locks);
    const events = eventsOf(locks);
    await look.clients[2]!.replicaof(HOST, String(portOf(0)));
    // The first question that it refuses shows it.
    const isNoticed = async () => {
      await locks.withLock('a', () => 'done');
      return locks.nodes()[2]!.state === 'unreachable' && locks.nodes()[2]!.error !== null;
    };
    await until(isNoticed, { what: 'it is noticed', timeoutMs: 15_000 });
    expect(locks.nodes()[2]!.error!.message).toContain('is a replica');
    await until(async () => (await look.markers())[2]?.runId === (await look.markers())[0]!.runId, {
      what: "it has the other one's data",
      timeoutMs: 15_000,
    });
    await look.clients[2]!.replicaof('NO', 'ONE');
    await untilNodes(locks, 'voting', 'voting', 'quarantined');
    await untilAllVote(locks);
    const states = events.flatMap((event) =>
      event.type === 'node' && event.node.endsWith(`:${portOf(2)}`) ? [event.state] : [],
    );
    expect(states).toEqual(['unreachable', 'quarantined', 'voting']);
  });

  it('is one node of a Cluster', async () => {
    const server = await RedisServer.start({ args: ['--cluster-enabled', 'yes'] });
    afterTest(() => server.stop());
    await found();
    const urls = [nodes.urls[0]!, nodes.urls[1]!, server.url];
    const locks = await lockService({ nodes: urls });
    await untilNodes(locks, 'voting', 'voting', 'unreachable');
    await until(() => locks.nodes()[2]!.error !== null, { what: 'it is told why' });
    expect(locks.nodes()[2]!.error!.message).toContain('Cluster');
  });

  it('is one that needs a password', async () => {
    await found();
    await look.clients[2]!.config('SET', 'requirepass', 'secret');
    const locks = await lockService({ nodes: nodes.urls });
    await untilNodes(locks, 'voting', 'voting', 'unreachable');
    await until(() => locks.nodes()[2]!.error !== null, { what: 'it is told why' });
    expect(locks.nodes()[2]!.error!.message).toContain('NOAUTH');
  });
});

describe('a server that may forget by itself', () => {
  it('is a node, but a warning says what to do', async () => {
    const logger = new RecordingLogger();
    await look.clients[1]!.config('SET', 'maxmemory-policy', 'allkeys-lru');
    const locks = await lockService({ nodes: nodes.urls, firstDeployment: true, logger });
    await untilAllVote(locks);
    const warnings = logger.lines.filter((line) => line.includes('maxmemory-policy'));
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(new RegExp(`^warn .*:${portOf(1)} .*noeviction`));
  });

  it('is named also when it was not among the first that answered', async () => {
    await found();
    const logger = new RecordingLogger();
    await look.clients[2]!.config('SET', 'maxmemory-policy', 'volatile-ttl');
    nodes.pause(2);
    const locks = await lockService({ nodes: nodes.urls, logger });
    nodes.resume(2);
    await untilAllVote(locks);
    const warnings = () => logger.lines.filter((line) => line.includes('maxmemory-policy'));
    await until(() => warnings().length > 0, { what: 'it is warned about' });
    expect(warnings()).toEqual([expect.stringContaining(`:${portOf(2)}`)]);
  });
});

describe('nodes that are clients of the application', () => {
  it('are cloned, so that no vote is kept for a later connection', async () => {
    const clients = nodes.servers.map((server) => server.client({ connectionName: 'mine' }));
    const locks = await lockService({ nodes: clients, firstDeployment: true });
    await untilAllVote(locks);
    await nodes.kill(1);
    await untilNodes(locks, 'voting', 'unreachable', 'voting');
    const lock = await locks.acquire('a');
    expect(await lock.release()).toBe('released');
  });
});
