import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { LockService } from 'nestjs-locker';
import { lockService, watch } from '../support/lock-service.js';
import { NodeLook } from '../support/quorum.js';
import { RedisNodes } from '../support/redis-nodes.js';
import { HOST } from '../support/redis-server.js';
import { until } from '../support/until.js';

const PAGE = new URL('../../docs/redlock.md', import.meta.url);

/** The commands that the documentation says the module needs on each node. */
function documented(): string[] {
  const page = readFileSync(PAGE, 'utf8');
  const [section = ''] = page.split('## What servers must allow')[1]!.split('\n## ');
  const [needed = ''] = section.split('`CONFIG GET`');
  return [...needed.matchAll(/`([A-Z]{3,})`/g)].map(([, name]) => `+${name!.toLowerCase()}`);
}

describe('a user who may do on each node what the documentation says, and nothing else', () => {
  let nodes: RedisNodes;
  let locks: LockService;
  let others: LockService;

  beforeAll(async () => {
    nodes = await RedisNodes.start(3);
    const rights = ['on', '>pw', '~lock:*', '&lock:*', '-@all', ...documented()];
    // What ioredis itself says when it connects.
    rights.push('+hello', '+client');
    const look = new NodeLook(nodes.servers);
    await Promise.all(
      look.clients.map((client) => client.call('ACL', 'SETUSER', 'locker', ...rights)),
    );
  });
  beforeEach(async () => {
    const login = { username: 'locker', password: 'pw' };
    const options = {
      nodes: nodes.servers.map(({ port }) => ({ host: HOST, port, ...login })),
      firstDeployment: true,
    };
    locks = await lockService(options);
    others = await lockService(options);
  });
  afterAll(() => nodes.stop());

  it('has nodes that vote', () => {
    expect(locks.nodes().map(({ state }) => state)).toEqual(['voting', 'voting', 'voting']);
  });

  it('locks, waits, is told, and takes away', async () => {
    const held = await locks.acquire('a');
    const waiter = watch(others.acquire('a', { wait: '20s' }));
    await new NodeLook(nodes.servers).untilWaiting('a', 1);
    expect(await held.release()).toBe('released');
    await until(() => waiter.settled, { what: 'the waiter has it' });
    expect((await locks.inspect('a'))?.fencingToken).toBe(waiter.value!.fencingToken);
    await waiter.value!.extend('20s');
    const moved = await locks.attach(waiter.value!.detach());
    expect(await locks.forceRelease('a')).toMatchObject({ fencingToken: moved.fencingToken });
  });

  it('does something once, lists it and forgets it', async () => {
    const terms = { retention: '1h', storeResult: true } as const;
    expect(await locks.once('invoice:1', () => 7, terms)).toMatchObject({ result: 7 });
    const replayed = { status: 'replayed', result: 7 };
    expect(await others.once('invoice:1', () => 8, terms)).toMatchObject(replayed);
    await locks.once('invoice:2', () => 7);
    expect(await others.outcomes.count('invoice')).toMatchObject({ processed: 2 });
    const names: string[] = [];
    for await (const { name } of others.outcomes.list('invoice')) names.push(name);
    expect(names.sort()).toEqual(['invoice:1', 'invoice:2']);
    expect(await others.outcomes.clear('invoice', 'processed')).toBe(2);
    const failing = locks.once('invoice:3', () => Promise.reject(new Error('no')));
    await expect(failing).rejects.toThrow('no');
    expect(await locks.outcomes.of('invoice:3')).toBeNull();
  });
});
