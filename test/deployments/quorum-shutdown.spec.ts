import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { Redis } from 'ioredis';
import { LockDrainingError, LockService } from 'nestjs-locker';
import { Child } from '../support/child-process.js';
import { lockApp, RecordingLogger, watch } from '../support/lock-service.js';
import { NodeLook, nodeKeys, untilAllVote } from '../support/quorum.js';
import { RedisNodes } from '../support/redis-nodes.js';
import { until } from '../support/until.js';

jest.setTimeout(60_000);

let nodes: RedisNodes;
let look: NodeLook;
beforeEach(async () => {
  nodes = await RedisNodes.start(3);
  look = new NodeLook(nodes.servers);
});
afterEach(() => nodes.stop());

/** How many connections of ours each server has, and how many of the test's. */
async function connections(name = 'name=nestjs-locker'): Promise<number[]> {
  const lists = await Promise.all(look.clients.map((client) => client.client('LIST')));
  return lists.map((list) => {
    const lines = String(list).split('\n');
    return lines.filter((line) => line.includes(name)).length;
  });
}

const closed = () =>
  until(async () => (await connections()).every((count) => count === 0), {
    what: 'the connections are closed',
  });

describe('shutdown of a service over three nodes', () => {
  const start = async (nodeSources: (string | Redis)[], logger = new RecordingLogger()) => {
    const app = await lockApp({ nodes: nodeSources, firstDeployment: true, logger });
    await untilAllVote(app.get(LockService));
    return app;
  };

  it('gives every lease back on all of them, leaves the queues, and closes its connections', async () => {
    const app = await start(nodes.urls);
    const locks = app.get(LockService);
    expect(await connections()).toEqual([1, 1, 1]);
    const other = await start(nodes.urls);
    const held = await Promise.all(['a', 'b', 'c'].map((name) => locks.acquire(name)));
    const foreign = await other.get(LockService).acquire('foreign');
    const waiter = watch(locks.acquire('foreign', { wait: Infinity }));
    await look.untilWaiting('foreign', 1);
    expect(await connections()).toEqual([4, 4, 4]); // each has one more to be told on
    await app.close();
    expect(waiter.error).toBeInstanceOf(LockDrainingError);
    for (const lock of held) {
      expect(lock.signal.reason).toMatchObject({ reason: 'shutdown' });
      expect(await look.countLeases(lock.name)).toBe(0);
    }
    await look.untilWaiting('foreign', 0, 0);
    await until(async () => (await connections()).join() === '2,2,2', {
      what: 'only the connections of the other one are there',
    });
    expect(await foreign.release()).toBe('released');
    await other.close();
    await look.untilNothingRemains();
  });

  it('gives back what was released in the very moment before', async () => {
    for (let round = 0; round < 5; round++) {
      const app = await start(nodes.urls);
      const lock = await app.get(LockService).acquire('a', { ttl: '20s' });
      await lock.release();
      await app.close();
      await closed();
      expect(await look.countLeases('a')).toBe(0);
    }
  });

  it("leaves the application's own clients open", async () => {
    const clients = nodes.servers.map((server) => server.client({ connectionName: 'mine' }));
    const app = await start(clients);
    const locks = app.get(LockService);
    await locks.withLock('a', () => 'done');
    expect(clients.map(({ status }) => status)).toEqual(['ready', 'ready', 'ready']);
    await app.close();
    expect(await Promise.all(clients.map((client) => client.ping()))).toEqual(
      Array(3).fill('PONG'),
    );
    await until(async () => (await connections('name=mine')).join() === '1,1,1', {
      what: 'the clones of the clients are closed',
    });
  });

  it.each([
    ['one hangs', () => nodes.pause(2), [0, 1]],
    ['one is gone', () => nodes.kill(2), [0, 1]],
    ['most hang', () => nodes.pause(1, 2), [0]],
    ['all are gone', () => nodes.kill(0, 1, 2), []],
  ] as const)('does not hang when %s', async (_how, harm, up) => {
    const logger = new RecordingLogger();
    const app = await start(nodes.urls, logger);
    const locks = app.get(LockService);
    const lock = await locks.acquire('a');
    const waiter = watch(locks.acquire('a', { wait: Infinity }));
    await until(() => locks.held().length === 1, { what: 'it is held' });
    await harm();
    const began = performance.now();
    await app.close();
    expect(performance.now() - began).toBeLessThan(8_000);
    expect(lock.signal.aborted).toBe(true);
    expect(waiter.settled).toBe(true);
    expect(logger.lines.join()).not.toContain('could not close');
    for (const i of up) expect(await look.clients[i]!.exists(nodeKeys('a').lease)).toBe(0);
    nodes.resume(1, 2);
  });

  it.each(['answer', 'hang', 'are gone'])(
    'leaves nothing that keeps the process alive when all %s',
    async (how) => {
      const child = Child.start(
        new URL('./fixtures/holds-over-nodes.ts', import.meta.url),
        JSON.stringify({ nodes: nodes.urls, firstDeployment: true, storeTimeout: 400 }),
        'a',
        '{}',
        'another',
      );
      await child.told('granted');
      await look.untilWaiting('a', 1);
      if (how === 'hang') nodes.pause(0, 1, 2);
      if (how === 'are gone') await nodes.kill(0, 1, 2);
      child.write('close\n');
      expect(await child.told('closed')).toMatchObject({
        aborted: true,
        waiting: 'LockDrainingError',
      });
      expect(await child.exit(10_000)).toEqual({ code: 0, errors: '' });
    },
  );
});

describe('a service that does not start', () => {
  it('leaves no connection behind, and says which nodes are missing', async () => {
    await nodes.kill(1, 2);
    const app = lockApp({ nodes: nodes.urls, connectTimeout: 1_000 });
    const started = watch(app);
    await until(() => started.settled, { what: 'it has given up' });
    const { message } = started.error as Error;
    for (const { port } of nodes.servers.slice(1)) expect(message).toContain(String(port));
    const client = look.clients[0]!;
    await until(async () => !String(await client.client('LIST')).includes('name=nestjs-locker'), {
      what: 'its connection to the one that is up is closed',
    });
  });
});
