import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import type { LockService } from 'nestjs-locker';
import { documentedRights } from '../support/documented-rights.js';
import { lockService, RecordingLogger, watch } from '../support/lock-service.js';
import { queueLength } from '../support/queue.js';
import { HOST, RedisServer } from '../support/redis-server.js';
import { until } from '../support/until.js';

describe('a user who may do what the documentation says, and nothing else', () => {
  let server: RedisServer;
  let direct: Redis;
  let locks: LockService;
  let others: LockService;
  beforeEach(async () => {
    server = await RedisServer.start();
    direct = server.client();
    const commands = documentedRights();
    const rights = ['on', '>pw', '~lock:*', '&lock:*', '-@all', ...commands];
    // What ioredis itself says when it connects.
    rights.push('+hello', '+info', '+client');
    await direct.call('ACL', 'SETUSER', 'locker', ...rights);
    const redis = { host: HOST, port: server.port, username: 'locker', password: 'pw' };
    locks = await lockService({ redis });
    others = await lockService({ redis });
  });
  afterEach(() => server.stop());

  it('locks, waits and is told', async () => {
    const held = await locks.acquire('a');
    const waiter = watch(others.acquire('a', { wait: '20s' }));
    await until(async () => (await queueLength(direct, 'a')) === 1, { what: 'it waits' });
    expect(await held.release()).toBe('released');
    await until(() => waiter.settled, { what: 'the waiter has it' });
    expect(await locks.forceRelease('a')).toMatchObject({
      fencingToken: waiter.value!.fencingToken,
    });
    await locks.semaphore('s', 2).withPermit(() => undefined);
    await expect(locks.acquire('b', { minReplicas: 1 })).rejects.toThrow(/0 of 1 replicas/);
  });

  it('tells what is held, and lists it', async () => {
    const logger = new RecordingLogger();
    const redis = { host: HOST, port: server.port, username: 'locker', password: 'pw' };
    const teller = await lockService({ redis, reports: 100, logger });
    await teller.acquire('a');
    await teller.once('invoice:1', () => 7);
    const { overview } = others;
    await until(async () => (await overview.held()).names.length === 1, { what: 'it is told' });
    await others.forceRelease('a');
    await overview.audit({ type: 'forced', text: 'It hung.' });
    expect(await overview.held({ search: 'a*' })).toMatchObject({ names: [] });
    expect(await overview.events()).toMatchObject([{ type: 'forced' }]);
    await until(async () => (await overview.jobs()).length === 1, { what: 'the job is told' });
    expect(await overview.queueOf({ name: 'a', kind: 'lock' })).toEqual([]);
    expect(logger.lines.filter((line) => /does not take|could not be told/.test(line))).toEqual([]);
  });

  it.each(['invoice:1', '{eu}:invoice:1'])('does %s once, and lists it', async (name) => {
    expect(await locks.once(name, () => 7, { job: 'invoice' })).toMatchObject({ result: 7 });
    expect(await others.once(name, () => 8)).toMatchObject({ status: 'replayed' });
    expect(await others.outcomes.count('invoice')).toMatchObject({ processed: 1 });
    for await (const record of others.outcomes.list('invoice')) expect(record.name).toBe(name);
    expect(await others.outcomes.clear('invoice', 'processed')).toBe(1);
    await expect(locks.once(name, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await locks.outcomes.of(name)).toBeNull();
  });
});
