import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Redis, RedisOptions } from 'ioredis';
import { StaleFencingTokenError } from 'nestjs-locker';
import { fenceKeyOf } from '../../lib/fencing/redis/fence-key.js';
import {
  FencedScript,
  type FencedScriptCall,
  type FencingRedis,
} from '../../lib/fencing/redis/fenced-script.js';
import { fencedSet } from '../../lib/fencing/redis/fenced-set.js';
import { lockKeys } from '../support/lease-end.js';
import { errorOf, lockService } from '../support/lock-service.js';
import { RedisServer } from '../support/redis-server.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { until } from '../support/until.js';

const KEY = '{account:7}:balance';
const BOOK = '{account:7}:book';

let server: RedisServer;
let redis: Redis;

beforeAll(async () => {
  server = await RedisServer.start();
  redis = server.client();
});
afterAll(() => server.stop());
beforeEach(() => redis.flushall());

const run = (source: string, call: Partial<FencedScriptCall> = {}, client: FencingRedis = redis) =>
  new FencedScript(source).run(client, { keys: [KEY], by: 5, ...call });

/** The user's own script alone, as the fenced one must behave. */
const alone = (source: string, keys: string[] = [KEY], args: string[] = []) =>
  redis.eval(source, keys.length, ...keys, ...args);

describe('a fenced script', () => {
  const withdraw = new FencedScript(`
    local balance = tonumber(redis.call('GET', KEYS[1]))
    if balance < tonumber(ARGV[1]) then return 'too little' end
    return redis.call('DECRBY', KEYS[1], ARGV[1])`);

  it('reads, decides and writes, unless a newer token has been seen', async () => {
    await redis.set(KEY, 100);
    expect(await withdraw.run(redis, { keys: [KEY], args: [30], by: 5 })).toBe(70);
    expect(await withdraw.run(redis, { keys: [KEY], args: [100], by: 7 })).toBe('too little');
    const error = await errorOf(withdraw.run(redis, { keys: [KEY], args: [30], by: 6 }));
    expect(error).toBeInstanceOf(StaleFencingTokenError);
    expect(error).toMatchObject({ resource: KEY, fencingToken: 6, newestToken: 7 });
    expect(await redis.get(KEY)).toBe('70');
  });

  it('sees its own KEYS and ARGV alone', async () => {
    const source = 'return { #KEYS, #ARGV, KEYS[1], KEYS[2], ARGV[1], ARGV[2], ARGV[3] }';
    const own = await alone(source, [KEY, BOOK], ['a', 'b']);
    expect(await run(source, { keys: [KEY, BOOK], args: ['a', 'b'] })).toEqual(own);
    expect(await run('return #ARGV')).toBe(0);
    expect(await run('return #KEYS', { keys: [], fence: KEY })).toBe(0);
  });

  it('leaves no name behind: one that the script does not know stays unknown', async () => {
    for (const name of ['fence', 'fences', 'tokens', 'keep', 'count', 'newest', 'left', 'i']) {
      await expect(run(`return ${name}`)).rejects.toThrow(`global variable '${name}'`);
    }
  });

  it.each([
    ['return 7'],
    [`return 'text'`],
    ['return nil'],
    ['return false'],
    [''.padEnd(3) + '-- nothing'],
    [`return { 1, 'two', { 3, false } }`],
    [`return redis.status_reply('FINE')`],
    [`for i = 1, 3 do if i == 2 then return i end end`],
    [`do return 1 end return 2`],
    ['-- a comment\n\nreturn 1 -- and another'],
    [`local fence, token = 1, 2 return fence + token`],
    [`return ARGV[1] or #ARGV`],
  ])('answers as it does alone: %s', async (source) => {
    expect(await run(source)).toEqual(await alone(source));
  });

  it('takes and gives bytes, numbers and many arguments', async () => {
    const bytes = Buffer.from([0, 255, 10]);
    await run(`redis.call('SET', KEYS[1], ARGV[1])`, { args: [bytes] });
    expect(await redis.getBuffer(KEY)).toEqual(bytes);
    const args = Array.from({ length: 5000 }, (_, i) => i);
    expect(await run('return { #ARGV, ARGV[1], ARGV[#ARGV] }', { args })).toEqual([
      5000,
      '0',
      '4999',
    ]);
  });

  it('may begin with flags', async () => {
    const source = `#!lua flags=allow-stale\nreturn redis.call('SET', KEYS[1], 'x')`;
    expect(await run(source)).toBe('OK');
    await expect(run(source, { by: 4 })).rejects.toThrow(StaleFencingTokenError);
    await expect(run(`#!lua flags=no-such\nreturn 1`)).rejects.toThrow(/flag/);
  });

  it('is known again after SCRIPT FLUSH, and sent by its hash from then on', async () => {
    const script = new FencedScript('return 1');
    for (let round = 0; round < 2; round++) {
      await redis.script('FLUSH');
      expect(await script.run(redis, { keys: [KEY], by: 5 })).toBe(1);
      await redis.config('RESETSTAT');
      expect(await script.run(redis, { keys: [KEY], by: 5 })).toBe(1);
      expect(await redis.info('commandstats')).not.toContain('cmdstat_eval:');
    }
  });
});

describe('within MULTI', () => {
  it('a script is refused, since EXEC would tell too late what has become of it', async () => {
    const client = server.client();
    await client.multi({ pipeline: false });
    const error = await errorOf(run('return 1', {}, client));
    expect(error).toMatchObject({ code: 'LOCK_OPTIONS', message: expect.stringMatching(/MULTI/) });
    await client.discard();
    expect(await run('return 1', {}, client)).toBe(1);
  });
});

describe('a script whose answer is lost on the way', () => {
  /** What becomes of a run whose connection ends between Redis and the client. */
  async function runUnanswered(
    script: FencedScript,
    call: FencedScriptCall,
    options: RedisOptions = {},
  ) {
    const proxy = await TcpProxy.start(server.port);
    const client = server.client({ port: proxy.port, ...options });
    try {
      // By then the server knows the script, so that the one reply which is dropped is that of the run.
      await script.run(client, {
        ...call,
        keys: call.keys.map((key) => `${key}:other`),
        fence: BOOK,
      });
      proxy.dropReplies = true;
      const running = script.run(client, call).catch((error: unknown) => error);
      await until(async () => (await redis.exists(KEY)) === 1, { what: 'it has run' });
      proxy.dropReplies = false;
      proxy.cut();
      const outcome = await running;
      await client.ping();
      return outcome;
    } finally {
      client.disconnect();
      await proxy.stop();
    }
  }
  const call = { keys: [KEY], args: [30], by: 5 };
  const deposit = new FencedScript(`return redis.call('INCRBY', KEYS[1], ARGV[1])`);

  it('runs twice, as ioredis sends it again', async () => {
    expect(await runUnanswered(deposit, call)).toBe(60);
  });

  it('runs once if the client is told not to', async () => {
    const outcome = await runUnanswered(deposit, call, { maxRetriesPerRequest: 0 });
    expect(outcome).toMatchObject({ name: 'MaxRetriesPerRequestError' });
    expect(await redis.get(KEY)).toBe('30');
  });

  it('runs once if it remembers its operations', async () => {
    const once = new FencedScript(`
      if not redis.call('SET', KEYS[2], '', 'NX', 'EX', 86400) then return redis.call('GET', KEYS[1]) end
      return redis.call('INCRBY', KEYS[1], ARGV[1])`);
    const keys = [KEY, '{account:7}:done:8c5d'];
    expect(await runUnanswered(once, { ...call, keys, fence: KEY })).toBe('30');
  });
});

describe('an error of the script', () => {
  const messageOf = async (promise: Promise<unknown>) => {
    const error = await errorOf(promise);
    expect(error).not.toBeInstanceOf(StaleFencingTokenError);
    // The hash differs, since the guard is part of what is sent.
    return (error as Error).message.replace(/\b[0-9a-f]{40}\b/, 'SHA');
  };

  it.each([
    [`return redis.error_reply('MINE no')`],
    [`return { err = 'MINE no' }`],
    [`\n\nerror('at line 3')`],
    [`\nreturn redis.call('NOSUCH')`],
    [`redis.call('SET', KEYS[1], 'x')\nreturn redis.call('RPUSH', KEYS[1], 'y')`],
    [`\nreturn undefined_name`],
    ['return 1 +'],
    ['\n\nif then'],
    ['end'],
    ['#!python\nreturn 1'],
    [`#!lua\nerror('at line 2')`],
  ])('comes as it does alone, with the same lines: %j', async (source) => {
    expect(await messageOf(run(source))).toBe(await messageOf(alone(source)));
  });

  it('leaves the fence raised: that a newer holder is there is true all the same', async () => {
    await errorOf(run(`error('no')`, { by: 6 }));
    await expect(fencedSet(redis, KEY, 'old', 5)).rejects.toMatchObject({ newestToken: 6 });
    await fencedSet(redis, KEY, 'new', 6);
  });
});

describe('the fences of a script', () => {
  it.each([KEY, BOOK])('are those of all its keys, which fencedSet shares: %s', async (key) => {
    await run('return 1', { keys: [KEY, BOOK], by: 6 });
    const error = await errorOf(fencedSet(redis, key, 'old', 5));
    expect(error).toBeInstanceOf(StaleFencingTokenError);
    expect(await redis.exists(key)).toBe(0);
  });

  it.each([KEY, BOOK])(
    'refuse it when one has seen a newer token, and none is raised: %s',
    async (key) => {
      const other = key === KEY ? BOOK : KEY;
      await fencedSet(redis, key, 'new', 6);
      await fencedSet(redis, other, 'before', 3);
      for (const keys of [
        [KEY, BOOK],
        [BOOK, KEY],
      ]) {
        const late = run(`return redis.call('SET', KEYS[1], 'old')`, { keys, by: 5 });
        await expect(late).rejects.toMatchObject({
          resource: key,
          fencingToken: 5,
          newestToken: 6,
        });
      }
      expect(await redis.mget(key, other)).toEqual(['new', 'before']);
      // Had the refused run raised it to 5, this would be refused.
      await fencedSet(redis, other, 'after', 4);
    },
  );

  it('do not depend on the order in which a key is named twice', async () => {
    await run('return 1', { keys: [KEY, BOOK, KEY], by: 6 });
    expect(await redis.mget(fenceKeyOf(KEY), fenceKeyOf(BOOK))).toEqual(['6', '6']);
  });

  it('of a lock with several names are each raised to the token of its name', async () => {
    // Without a tag, two names draw their tokens from two counters.
    const names = ['balance', 'book'];
    const locks = await lockService({ redis: server.client() });
    await redis.set(lockKeys('book').tokenCounter, Number.MAX_SAFE_INTEGER - 10);
    await locks.withLock(names, async (lock) => {
      await run('return 1', { keys: names, by: lock });
      const tokens = names.map((name) => String(lock.fencingTokens.get(name)));
      expect(tokens[0]).not.toBe(tokens[1]);
      expect(await redis.mget(names.map((name) => fenceKeyOf(name)))).toEqual(tokens);
    });
  });

  it('are one of another name where one is given', async () => {
    const fence = '{account:7}';
    await run(`redis.call('SET', KEYS[1], 'new')`, { fence, by: 6 });
    const late = run(`redis.call('SET', KEYS[1], 'old')`, { keys: [BOOK], fence, by: 5 });
    await expect(late).rejects.toMatchObject({ resource: fence, newestToken: 6 });
    expect(await redis.exists(BOOK)).toBe(0);
    expect((await redis.keys('*')).sort()).toEqual([KEY, '{account:7}:fence:{account:7}'].sort());
  });

  it('shown by a read keeps older holders out until the write', async () => {
    const read = new FencedScript(`return redis.call('GET', KEYS[1])`);
    await fencedSet(redis, KEY, 100, 5);
    expect(await read.run(redis, { keys: [KEY], by: 6 })).toBe('100');
    await expect(fencedSet(redis, KEY, 0, 5)).rejects.toThrow(StaleFencingTokenError);
    await fencedSet(redis, KEY, 70, 6);
  });
});
