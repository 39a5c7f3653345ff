import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import { StaleFencingTokenError } from 'nestjs-locker';
import {
  FencedScript,
  type FencedScriptCall,
  type FencingRedis,
} from '../../lib/fencing/redis/fenced-script.js';
import { fencedSet } from '../../lib/fencing/redis/fenced-set.js';
import { errorOf } from '../support/lock-service.js';
import { RedisServer } from '../support/redis-server.js';

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
    for (const name of ['fence', 'token', 'keep', 'newest']) {
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

describe('the fence of a script', () => {
  it('is that of its first key, which fencedSet shares', async () => {
    await run('return 1', { keys: [KEY, BOOK], by: 6 });
    await expect(fencedSet(redis, KEY, 'old', 5)).rejects.toThrow(StaleFencingTokenError);
    await fencedSet(redis, BOOK, 'another fence', 5);
  });

  it('is that of another name where one is given', async () => {
    const fence = '{account:7}';
    await run(`redis.call('SET', KEYS[1], 'new')`, { fence, by: 6 });
    const late = run(`redis.call('SET', KEYS[1], 'old')`, { keys: [BOOK], fence, by: 5 });
    await expect(late).rejects.toMatchObject({ resource: fence, newestToken: 6 });
    expect(await redis.exists(BOOK)).toBe(0);
    expect((await redis.keys('*')).sort()).toEqual(['fence:{account:7}:{account:7}', KEY].sort());
  });

  it('shown by a read keeps older holders out until the write', async () => {
    const read = new FencedScript(`return redis.call('GET', KEYS[1])`);
    await fencedSet(redis, KEY, 100, 5);
    expect(await read.run(redis, { keys: [KEY], by: 6 })).toBe('100');
    await expect(fencedSet(redis, KEY, 0, 5)).rejects.toThrow(StaleFencingTokenError);
    await fencedSet(redis, KEY, 70, 6);
  });
});
