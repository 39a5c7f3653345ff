import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Injectable, type ModuleMetadata } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { Cluster, Redis } from 'ioredis';
import {
  getLockServiceToken,
  Locked,
  LockModule,
  type LockModuleOptions,
  LockOptionsError,
  LockService,
  LockStoreError,
  WithPermit,
} from 'nestjs-locker';
import { TestLockStore } from 'nestjs-locker/testing';
import { Child } from '../support/child-process.js';
import { afterTest, errorOf, lockService, RecordingLogger } from '../support/lock-service.js';
import { freePort } from '../support/free-port.js';
import { RedisNodes } from '../support/redis-nodes.js';
import { RedisServer } from '../support/redis-server.js';
import { until } from '../support/until.js';

// Servers and processes start and end.
jest.setTimeout(60_000);

const [A, B, C, D] = ['a', 'b', 'c', 'd'].map((host) => `redis://:sesame@${host}:6379`) as [
  string,
  string,
  string,
  string,
];

/** The error with which a module that has these options is not made. */
const refusalOf = (options: object): Promise<unknown> =>
  errorOf(Test.createTestingModule({ imports: [LockModule.forRoot(options)] }).compile());

const clusterClient = (): Cluster => {
  const client = new Cluster([A], { lazyConnect: true });
  afterTest(() => client.disconnect());
  return client;
};
const unconnected = (options: object): Redis => new Redis({ ...options, lazyConnect: true });

describe('a bad module option for several nodes', () => {
  const ODD = 'name an odd number of independent ones, three or more.';

  it.each<[string, () => object, string]>([
    ['none', () => ({ nodes: [] }), `LockModule option "nodes" names 0 servers; ${ODD}`],
    [
      'one',
      () => ({ nodes: [A] }),
      `LockModule option "nodes" names 1 server; ${ODD} A single one is the option "redis".`,
    ],
    [
      'two',
      () => ({ nodes: [A, B] }),
      `LockModule option "nodes" names 2 servers; ${ODD} With 2, no more of them may fail than with 1.`,
    ],
    [
      'four',
      () => ({ nodes: [A, B, C, D] }),
      `LockModule option "nodes" names 4 servers; ${ODD} With 4, no more of them may fail than with 3.`,
    ],
    [
      'a text',
      () => ({ nodes: A }),
      'LockModule option "nodes" is a string; write a list of URLs, options of ioredis, or clients.',
    ],
    [
      'an object',
      () => ({ nodes: { host: 'a', password: 'sesame' } }),
      'LockModule option "nodes" is an object; write a list of URLs, options of ioredis, or clients.',
    ],
    [
      'null',
      () => ({ nodes: null }),
      'LockModule option "nodes" is null; write a list of URLs, options of ioredis, or clients.',
    ],
    [
      'a number among them',
      () => ({ nodes: [A, B, 6379] }),
      `LockModule option "nodes[2]" is 6379; write a URL such as 'redis://redis-3:6379', options of ioredis, or a client.`,
    ],
    [
      'nothing among them',
      () => ({ nodes: [A, undefined, C] }),
      `LockModule option "nodes[1]" is undefined; write a URL such as 'redis://redis-2:6379', options of ioredis, or a client.`,
    ],
    [
      'a list among them',
      () => ({ nodes: [A, B, [C]] }),
      `LockModule option "nodes[2]" is [Array]; write a URL such as 'redis://redis-3:6379', options of ioredis, or a client.`,
    ],
    [
      'what is no URL among them',
      () => ({ nodes: [A, 'b:6379', C] }),
      `LockModule option "nodes[1]": "b:6379" is no Redis URL. Write one such as 'redis://localhost:6379', or 'rediss://…' for TLS.`,
    ],
    [
      'the same one twice',
      () => ({ nodes: [A, B, A] }),
      'LockModule option "nodes": nodes[0] and nodes[2] (Redis at a:6379) are the same server: its vote would count ' +
        'twice. Name independent servers.',
    ],
    [
      'the same one as options and as a client',
      () => ({ nodes: [A, { host: 'b', db: 1, password: 'sesame' }, unconnected({ host: 'b' })] }),
      'LockModule option "nodes": nodes[1] and nodes[2] (Redis at b:6379) are the same server: its vote would count ' +
        'twice. Name independent servers.',
    ],
    [
      'a client with a keyPrefix',
      () => ({ nodes: [A, B, unconnected({ host: 'c', keyPrefix: 'app:', password: 'sesame' })] }),
      'LockModule option "nodes[2]": the client has keyPrefix "app:", which ioredis puts before the hash tag of every ' +
        'key, unseen by other services. Use the module\'s own option "prefix", and a client without keyPrefix.',
    ],
    [
      'a Cluster client',
      () => ({ nodes: [A, clusterClient(), C] }),
      'LockModule option "nodes[1]": a Redis Cluster cannot be a node of a quorum: when one of its masters is replaced, ' +
        'no client is told that votes may be lost with it. Name single servers, or use the Cluster alone: ' +
        '{ redis: cluster }.',
    ],
    [
      'a Sentinel group',
      () => ({ nodes: [A, B, { sentinels: [{ host: 'c', port: 26379 }], name: 'main' }] }),
      'LockModule option "nodes[2]": a Sentinel group cannot be a node of a quorum: after a failover its former master ' +
        'goes on voting for those who are still connected to it. Name single servers, of which most go on without one ' +
        'that is down, or use the group alone: { redis: { sentinels, name } }.',
    ],
    [
      'redis beside them',
      () => ({ nodes: [A, B, C], redis: A }),
      'LockModule options "redis" and "nodes": both are given, and only one can be meant. Leave one out.',
    ],
    [
      'a store beside them',
      () => ({ nodes: [A, B, C], store: new TestLockStore() }),
      'LockModule options "nodes" and "store": both are given, and only one can be meant. Leave one out.',
    ],
    [
      'memory beside them',
      () => ({ nodes: [A, B, C], store: 'memory' }),
      'LockModule options "nodes" and "store": both are given, and only one can be meant. Leave one out.',
    ],
    [
      'a prefix with braces',
      () => ({ nodes: [A, B, C], prefix: '{a}' }),
      'LockModule option "prefix" is "{a}"; write a text without braces, such as \'lock\'. Braces in it would be the ' +
        'hash tag of every key.',
    ],
    [
      'a nodeTimeout above a quarter of storeTimeout',
      () => ({ nodes: [A, B, C], nodeTimeout: '501ms' }),
      'LockModule option "nodeTimeout" (501 ms) is above a quarter of "storeTimeout" (2000 ms), in which several rounds ' +
        'must fit. Write 500 ms or less, or raise "storeTimeout".',
    ],
    [
      'a nodeTimeout of nothing',
      () => ({ nodes: [A, B, C], nodeTimeout: 0 }),
      'LockModule option "nodeTimeout" is 0, but must be from 1 ms to 2147483647 ms (25 days). ' +
        "Write milliseconds or a text with a unit: 5000, '30s', '5 minutes'.",
    ],
    [
      'a maxTtl below ttl',
      () => ({ nodes: [A, B, C], maxTtl: '10s' }),
      'LockModule option "maxTtl" (10000 ms) is below "ttl" (30000 ms); write the longest ttl that is in use.',
    ],
    [
      'a maxTtl that is no duration',
      () => ({ nodes: [A, B, C], maxTtl: 'long' }),
      'LockModule option "maxTtl" is "long", not a duration. ' +
        "Write milliseconds or a text with a unit: 5000, '30s', '5 minutes'.",
    ],
    [
      'a firstDeployment of another kind',
      () => ({ nodes: [A, B, C], firstDeployment: 'yes' }),
      'LockModule option "firstDeployment" is "yes"; write true or false.',
    ],
    [
      'maxTtl without nodes',
      () => ({ maxTtl: '1 minute' }),
      'LockModule option "maxTtl" is for several servers: name them in "nodes", or leave it out.',
    ],
    [
      'nodeTimeout without nodes',
      () => ({ store: 'memory', nodeTimeout: 5 }),
      'LockModule option "nodeTimeout" is for several servers: name them in "nodes", or leave it out.',
    ],
    [
      'firstDeployment without nodes',
      () => ({ redis: A, firstDeployment: false }),
      'LockModule option "firstDeployment" is for several servers: name them in "nodes", or leave it out.',
    ],
    [
      'several servers as redis',
      () => ({ redis: [A, B, C] }),
      'LockModule option "redis" is a list; write one URL. Several independent servers are the option "nodes".',
    ],
    [
      'an option that there is not',
      () => ({ node: [A, B, C] }),
      'LockModule: there is no option "node". The options are redis, nodes, maxTtl, nodeTimeout, firstDeployment, store, ' +
        'prefix, ttl, wait, storeTimeout, connectTimeout, drainTimeout, service, leakStacks, reports.',
    ],
  ])('is refused at start, without a password: %s', async (_, optionsOf, message) => {
    const error = await refusalOf(optionsOf());
    expect(error).toBeInstanceOf(LockOptionsError);
    expect((error as Error).message).toBe(message);
  });
});

describe('a module over several nodes', () => {
  let nodes: RedisNodes;
  beforeAll(async () => {
    nodes = await RedisNodes.start(3);
  });
  afterAll(() => nodes.stop());

  /** Where nothing has been yet: each prefix has a memory of its own. */
  const fresh = () => ({ prefix: randomUUID(), firstDeployment: true, drainTimeout: 0 }) as const;

  async function start(metadata: ModuleMetadata): Promise<TestingModule> {
    const app = await Test.createTestingModule(metadata).setLogger(new RecordingLogger()).compile();
    await app.init();
    afterTest(() => app.close());
    return app;
  }

  /** What each server has of a name while somebody has its lock. */
  async function holdersOf(options: LockModuleOptions): Promise<number> {
    const locks = await lockService(options);
    const name = randomUUID();
    return locks.withLock(name, async () => {
      const keys = nodes.servers.map((server) => server.client().keys(`${options.prefix}*${name}`));
      return (await Promise.all(keys)).flat().length;
    });
  }

  /** Of the module's own making, on all servers together. */
  async function connectionsOf(name: string): Promise<number> {
    const lists = await Promise.all(
      nodes.servers.map(async (server) => {
        const probe = server.client();
        const list = (await probe.client('LIST')) as string;
        probe.disconnect();
        return list;
      }),
    );
    return lists.join('').split(`name=${name} `).length - 1;
  }

  it('takes URLs, options and clients, connected or not, and leaves clients as they are', async () => {
    const [one, two, three] = nodes.servers as [RedisServer, RedisServer, RedisServer];
    const connected = two.client();
    const lazy = new Redis(three.url, { lazyConnect: true });
    const locks = await lockService({
      ...fresh(),
      nodes: [one.url, connected, lazy],
      store: 'redis',
    });
    expect(await locks.withLock('a', (lock) => lock.isHeld)).toBe(true);
    expect(await connected.ping()).toBe('PONG');
    expect(lazy.status).toBe('wait');
  });

  it('takes options of ioredis, and has its locks on most of the servers', async () => {
    const options = nodes.servers.map(({ host, port }) => ({ host, port }));
    expect(await holdersOf({ ...fresh(), nodes: options })).toBeGreaterThanOrEqual(2);
  });

  it('closes its own connections with the application, and no client of the user', async () => {
    const client = nodes.servers[0]!.client({ connectionName: 'of-the-user' });
    const [, ...urls] = nodes.urls;
    const app = await Test.createTestingModule({
      imports: [LockModule.forRoot({ ...fresh(), nodes: [client, ...urls] })],
    })
      .setLogger(new RecordingLogger())
      .compile();
    await app.init();
    expect(await connectionsOf('nestjs-locker')).toBeGreaterThanOrEqual(2);
    await app.close();
    const ofOurs = async () =>
      (await connectionsOf('nestjs-locker')) + (await connectionsOf('of-the-user'));
    await until(async () => (await ofOurs()) === 1, { what: "the user's client alone is left" });
    expect(await client.ping()).toBe('PONG');
  });

  it('is made by forRootAsync, too', async () => {
    const useFactory = async () => ({ ...fresh(), nodes: nodes.urls });
    const app = await start({ imports: [LockModule.forRootAsync({ useFactory })] });
    expect(app.get(LockService).nodes()).toHaveLength(3);
    expect(await app.get(LockService).withLock('a', () => 'done')).toBe('done');
  });

  it('checks what a factory gives', async () => {
    const useFactory = async () => ({ nodes: nodes.urls.slice(1) });
    await expect(start({ imports: [LockModule.forRootAsync({ useFactory })] })).rejects.toThrow(
      /^LockModule option "nodes" names 2 servers/,
    );
  });

  it('stands beside a module of one Redis, which has the permits', async () => {
    @Injectable()
    class Invoices {
      @Locked('invoice')
      async issue(): Promise<string> {
        return 'issued';
      }

      @WithPermit('authority', { permits: 4, using: 'single' })
      async submit(): Promise<string> {
        return 'submitted';
      }
    }
    const app = await start({
      imports: [
        LockModule.forRoot({ ...fresh(), nodes: nodes.urls }),
        LockModule.forRoot({ name: 'single', redis: nodes.urls[0] }),
      ],
      providers: [Invoices],
    });
    const invoices = app.get(Invoices);
    expect([await invoices.issue(), await invoices.submit()]).toEqual(['issued', 'submitted']);
    const single = app.get<LockService>(getLockServiceToken('single'));
    expect(single.nodes()).toEqual([]);
  });

  it('refuses permits and shared locks when the application starts, and leaves no connection', async () => {
    class Authority {
      @WithPermit('authority', { permits: 4 })
      async submit(): Promise<void> {}
    }
    class Prices {
      @Locked('prices', { mode: 'shared' })
      async quote(): Promise<void> {}
    }
    const locks = LockModule.forRoot({ ...fresh(), nodes: nodes.urls });
    const single = LockModule.forRoot({ name: 'single', redis: nodes.urls[0] });
    await until(async () => (await connectionsOf('nestjs-locker')) === 0, {
      what: 'all are closed',
    });
    await expect(start({ imports: [locks], providers: [Authority] })).rejects.toThrow(
      /^@WithPermit on Authority\.submit: there are no semaphores over several nodes: .* option "using"/,
    );
    await expect(start({ imports: [single, locks], providers: [Prices] })).rejects.toThrow(
      /^@Locked on Prices\.quote: there are no shared locks over several nodes: .* option "using"/,
    );
    await until(async () => (await connectionsOf('nestjs-locker')) === 0, {
      what: 'all are closed',
    });
  });

  it('refuses a server that is named twice when it answers', async () => {
    const { port } = nodes.servers[0]!;
    const sameTwice = [nodes.urls[0]!, nodes.urls[1]!, `redis://localhost:${port}`];
    const error = await errorOf(
      lockService({ ...fresh(), nodes: sameTwice, connectTimeout: 2_000 }),
    );
    expect(error).toBeInstanceOf(LockOptionsError);
    expect((error as Error).message).toMatch(/ are the same server: its vote would count twice\./);
    expect((error as Error).message).toContain(`Redis at localhost:${port}`);
    expect((error as Error).message).toContain(`Redis at 127.0.0.1:${port}`);
  });

  it('does not start while nodes without a memory keep most of the votes, and names the way out', async () => {
    const options = { ...fresh(), nodes: nodes.urls, ttl: '20s', connectTimeout: 500 } as const;
    const error = await errorOf(lockService({ ...options, firstDeployment: false }));
    expect(error).toBeInstanceOf(LockStoreError);
    const { message } = error as Error;
    expect(message).toContain('0 of 3 nodes vote, and 2 are needed; ');
    for (const { port } of nodes.servers) {
      expect(message).toMatch(
        new RegExp(
          `Redis at 127\\.0\\.0\\.1:${port} does not vote for another \\d{5} ms: it has no memory of its votes`,
        ),
      );
    }
    expect(message).toContain(
      'Nodes that have no memory of their votes keep from voting for as long as the longest ttl in use ("maxTtl"), since ' +
        'they may have forgotten locks; where all of them are new, the LockModule option "firstDeployment" spares the very ' +
        'first start this delay.',
    );
  });

  it('does not start as a first deployment until all nodes can be used', async () => {
    const nowhere = `redis://127.0.0.1:${await freePort('127.0.0.1')}`;
    const [one, two] = nodes.urls as [string, string];
    const options = { ...fresh(), nodes: [one, two, nowhere], connectTimeout: 500 };
    const { message } = (await errorOf(lockService(options))) as Error;
    expect(message).toContain('0 of 3 nodes vote, and 2 are needed; ');
    expect(message).toContain(' is new, and does not vote yet; ');
    expect(message).toMatch(
      / cannot be used \(.*ECONNREFUSED.*\)\. A first deployment begins when all nodes can be used\. /,
    );
  });

  it('starts without the option once they have kept from voting for that long', async () => {
    const options = { ...fresh(), nodes: nodes.urls, ttl: 200, firstDeployment: false } as const;
    const locks = await lockService(options);
    expect(locks.nodes().filter(({ state }) => state === 'voting').length).toBeGreaterThanOrEqual(
      2,
    );
  });
});

describe('while nodes are out of reach', () => {
  it('the application starts with most of them', async () => {
    const nodes = await RedisNodes.start(3);
    afterTest(() => nodes.stop());
    await lockService({ nodes: nodes.urls, firstDeployment: true });
    await nodes.kill(0);
    const locks = await lockService({ nodes: nodes.urls });
    expect(await locks.withLock('a', () => 'done')).toBe('done');
  });

  it('the application does not start without most of them, tells why of each, and leaves nothing behind', async () => {
    const nodes = await RedisNodes.start(3);
    afterTest(() => nodes.stop());
    await nodes.kill(0);
    nodes.pause(1);
    await nodes.servers[2]!.client().config('SET', 'requirepass', 'open');
    const urls = nodes.servers.map(({ host, port }) => `redis://:sesame@${host}:${port}`);
    const child = Child.start(new URL('fixtures/cannot-start.ts', import.meta.url), ...urls);
    const failure = await child.told<Record<string, unknown>>('failed');
    // It ends by itself.
    expect(await child.exit()).toMatchObject({ code: 0, errors: '' });
    expect(failure).toMatchObject({ name: 'LockStoreError', started: [] });
    expect(failure['everything']).not.toContain('sesame');
    const [killed, paused, closed] = nodes.servers.map(({ port }) => `Redis at 127.0.0.1:${port}`);
    expect(failure['message']).toContain(
      `no answer within 500 ms: 0 of 3 nodes vote, and 2 are needed; ${killed} cannot be used (connect ECONNREFUSED`,
    );
    expect(failure['message']).toContain(
      `; ${paused} gives no answer; ${closed} cannot be used (WRONGPASS`,
    );
    expect(failure['message']).not.toContain('firstDeployment');
  });
});
