import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import { type LockService, StaleFencingTokenError } from 'nestjs-locker';
import { fencedSet, type FencedSetOptions } from '../../lib/fencing/redis/fenced-set.js';
import { errorOf, lockService, watch } from '../support/lock-service.js';
import { HOST, RedisServer } from '../support/redis-server.js';
import { until } from '../support/until.js';

const LOCK = '{account:7}';
const KEY = '{account:7}:balance';
const FENCE = '{account:7}:balance:fence:{account:7}';
const WEEK_MS = 7 * 24 * 3_600_000;

let server: RedisServer;
let redis: Redis;

beforeAll(async () => {
  server = await RedisServer.start();
  redis = server.client();
});
afterAll(() => server.stop());
beforeEach(() => redis.flushall());

const write = (value: string | number | Buffer, token: number, options?: FencedSetOptions) =>
  fencedSet(redis, KEY, value, token, options);

describe('a fenced write', () => {
  it('passes with the first token, the same, and a newer one', async () => {
    for (const [value, token] of [
      ['a', 5],
      ['b', 5],
      ['c', 6],
    ] as const) {
      expect(await write(value, token)).toBeUndefined();
      expect(await redis.get(KEY)).toBe(value);
      expect(await redis.get(FENCE)).toBe(String(token));
    }
  });

  it('with an older token is refused, and changes nothing', async () => {
    await write('new', 6, { ttl: '1 hour' });
    const error = await errorOf(write('old', 5));
    expect(error).toBeInstanceOf(StaleFencingTokenError);
    expect(error).toMatchObject({ resource: KEY, fencingToken: 5, newestToken: 6 });
    expect(await redis.get(KEY)).toBe('new');
    expect(await redis.get(FENCE)).toBe('6');
    expect(await redis.pttl(KEY)).toBeGreaterThan(0);
  });

  it('compares numbers, not texts, up to the last that a double holds exactly', async () => {
    await write('a', 9);
    await write('b', 10);
    await expect(write('c', 9)).rejects.toThrow(StaleFencingTokenError);
    await write('d', Number.MAX_SAFE_INTEGER);
    const error = await errorOf(write('e', Number.MAX_SAFE_INTEGER - 1));
    expect(error).toMatchObject({ newestToken: Number.MAX_SAFE_INTEGER });
    expect(await redis.get(KEY)).toBe('d');
  });

  it('of many at once leaves the value of the newest, and refuses each after a newer one', async () => {
    const tokens = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5];
    const outcomes = await Promise.allSettled(tokens.map((token) => write(token, token)));
    expect(tokens.filter((_, i) => outcomes[i]!.status === 'fulfilled')).toEqual([3, 4, 5, 9]);
    expect(await redis.get(KEY)).toBe('9');
  });

  it.each(['text', '', 'ünï\0', 42, -0.5])('stores %p', async (value) => {
    await write(value, 1);
    expect(await redis.get(KEY)).toBe(String(value));
  });

  it('stores bytes as they are', async () => {
    const bytes = Buffer.from([0, 255, 10, 128]);
    await write(bytes, 1);
    expect(await redis.getBuffer(KEY)).toEqual(bytes);
  });

  it('replaces whatever is there, as SET does', async () => {
    await redis.rpush(KEY, 'a');
    await write('b', 1);
    expect(await redis.get(KEY)).toBe('b');
  });

  it('fences no other key', async () => {
    await write('a', 6);
    await fencedSet(redis, '{account:7}:limit', 'b', 5);
    expect(await redis.get('{account:7}:limit')).toBe('b');
  });

  it('takes the expiry from the value unless told', async () => {
    await write('a', 1, { ttl: '1 hour' });
    expect(await redis.pttl(KEY)).toBeGreaterThan(3_500_000);
    await write('b', 1, { ttl: 'keep' });
    expect(await redis.pttl(KEY)).toBeGreaterThan(3_500_000);
    await write('c', 1);
    expect(await redis.pttl(KEY)).toBe(-1);
  });

  it('passes again after SCRIPT FLUSH', async () => {
    await write('a', 1);
    await redis.script('FLUSH');
    await write('b', 2);
    await redis.script('FLUSH');
    await expect(write('c', 1)).rejects.toThrow(StaleFencingTokenError);
    expect(await redis.get(KEY)).toBe('b');
  });

  it('is counted by Redis where it is refused', async () => {
    await redis.config('RESETSTAT');
    await write('a', 2);
    await errorOf(write('b', 1));
    expect(await redis.info('errorstats')).toContain('errorstat_NESTJS_LOCKER_STALE:count=1');
  });

  it('has the same fence through clients with and without a keyPrefix', async () => {
    const splits = [
      ['', 'app:balance'],
      ['app:', 'balance'],
      ['', KEY],
      ['{account:7}:', 'balance'],
    ] as const;
    const clients = splits.map(
      ([keyPrefix, key]) => [server.client({ keyPrefix }), keyPrefix, key] as const,
    );
    for (const [newer, prefix, key] of clients) {
      for (const [older, otherPrefix, sameKey] of clients) {
        if (prefix + key !== otherPrefix + sameKey) continue;
        await redis.flushall();
        await fencedSet(newer, key, 'new', 6);
        const late = fencedSet(older, sameKey, 'old', 5);
        await expect(late).rejects.toThrow(StaleFencingTokenError);
        expect(await redis.get(prefix + key)).toBe('new');
      }
    }
  });

  it('within MULTI is not taken for written', async () => {
    const client = server.client();
    await client.multi({ pipeline: false });
    const error = await errorOf(fencedSet(client, KEY, 'a', 1));
    expect(error).toMatchObject({ code: 'LOCK_OPTIONS', message: expect.stringMatching(/MULTI/) });
    await client.discard();
    expect(await redis.exists(KEY, FENCE)).toBe(0);
  });

  it('needs EVALSHA, EVAL, GET, PTTL and SET on the key and its fence, and nothing else', async () => {
    const rights = ['+evalsha', '+eval', '+get', '+pttl', '+set', '+hello', '+info', '+client'];
    const keys = [`~${KEY}`, '~*:fence:{*}'];
    await redis.call('ACL', 'SETUSER', 'writer', 'reset', 'on', '>pw', ...keys, '-@all', ...rights);
    const writer = server.client({ username: 'writer', password: 'pw' });
    await redis.script('FLUSH');
    await fencedSet(writer, KEY, 'a', 2);
    await expect(fencedSet(writer, KEY, 'b', 1)).rejects.toThrow(StaleFencingTokenError);
    await expect(fencedSet(writer, 'elsewhere', 'b', 1)).rejects.toThrow(/NOPERM/);
    expect(await redis.get(KEY)).toBe('a');
  });
});

describe('a fence', () => {
  it('is remembered for a week after its last write', async () => {
    await write('a', 1);
    expect(await redis.pttl(FENCE)).toBeGreaterThan(WEEK_MS - 60_000);
    await redis.pexpire(FENCE, 1000);
    await write('b', 1);
    expect(await redis.pttl(FENCE)).toBeGreaterThan(WEEK_MS - 60_000);
    expect(await redis.pttl(FENCE)).toBeLessThanOrEqual(WEEK_MS);
  });

  it('is remembered for as long as the most patient writer has asked for', async () => {
    await write('a', 1, { keepFence: '30 days' });
    await write('b', 2, { keepFence: '1 minute' });
    expect(await redis.pttl(FENCE)).toBeGreaterThan(29 * 24 * 3_600_000);
  });

  it.each<[string, () => Promise<unknown>]>([
    ['with keepFence: Infinity', () => write('a', 1, { keepFence: Infinity })],
    ['after PERSIST', () => write('a', 1).then(() => redis.persist(FENCE))],
  ])('is remembered for ever %s, whatever the next writer asks for', async (_what, begin) => {
    await begin();
    expect(await redis.pttl(FENCE)).toBe(-1);
    await write('b', 2, { keepFence: '1 minute' });
    expect(await redis.get(FENCE)).toBe('2');
    expect(await redis.pttl(FENCE)).toBe(-1);
  });

  it('may be remembered for ever later on', async () => {
    await write('a', 1);
    await write('b', 2, { keepFence: Infinity });
    expect(await redis.pttl(FENCE)).toBe(-1);
    await expect(write('c', 1)).rejects.toThrow(StaleFencingTokenError);
  });

  it('is forgotten after keepFence, and so is the newest token', async () => {
    await write('new', 6, { keepFence: 50 });
    await until(async () => (await redis.exists(FENCE)) === 0, { what: 'the fence is forgotten' });
    expect(await redis.get(KEY)).toBe('new');
    await write('old', 5);
    expect(await redis.get(KEY)).toBe('old');
  });

  it.each<[string, () => Promise<unknown>]>([
    ['FLUSHALL', () => redis.flushall()],
    ['an eviction', () => redis.del(FENCE)],
  ])('is forgotten by %s: the next token counts as the newest', async (_what, forget) => {
    await write('new', 6);
    await forget();
    await write('old', 5);
    expect(await redis.get(KEY)).toBe('old');
    await expect(write('older', 4)).rejects.toThrow(StaleFencingTokenError);
  });

  it.each(['not a token', ''])(
    'that somebody has overwritten (%p) lets nobody pass',
    async (text) => {
      await redis.set(FENCE, text);
      await expect(write('a', 5)).rejects.toThrow(/attempt to compare/);
      expect(await redis.exists(KEY)).toBe(0);
    },
  );

  it('that is no text lets nobody pass', async () => {
    await redis.rpush(FENCE, '1');
    await expect(write('a', 5)).rejects.toThrow(/WRONGTYPE/);
    expect(await redis.exists(KEY)).toBe(0);
  });
});

describe('a holder that stands still between its last look at the lock and its write', () => {
  let locks: LockService;
  let others: LockService;
  let slow: Redis;
  beforeEach(async () => {
    const source = { host: HOST, port: server.port };
    [locks, others] = await Promise.all([
      lockService({ redis: source }),
      lockService({ redis: source }),
    ]);
    slow = server.client();
    await slow.ping();
  });

  /** What it sends leaves only when somebody else has had the lock, and written. */
  async function lateWrite(
    send: (lock: Awaited<ReturnType<LockService['acquire']>>) => Promise<unknown>,
  ) {
    const held = await locks.acquire(LOCK);
    slow.stream.cork();
    const late = watch(send(held));
    await others.forceRelease(LOCK);
    await others.withLock(LOCK, (lock) => fencedSet(redis, KEY, 'new', lock));
    expect(late.settled).toBe(false);
    slow.stream.uncork();
    await until(() => late.settled, { what: 'the late write has its answer' });
    return { late, held };
  }

  it('is refused', async () => {
    const { late, held } = await lateWrite((lock) => fencedSet(slow, KEY, 'old', lock));
    expect(late.error).toBeInstanceOf(StaleFencingTokenError);
    const [token] = held.fencingTokens.values();
    expect(late.error).toMatchObject({ fencingToken: token });
    expect(await redis.get(KEY)).toBe('new');
  });

  it('would win without the fence', async () => {
    const { late } = await lateWrite(() => slow.set(KEY, 'old'));
    expect(late).toMatchObject({ value: 'OK', error: undefined });
    expect(await redis.get(KEY)).toBe('old');
  });

  it('need not ask once it knows that its lock is lost', async () => {
    const held = await locks.acquire(LOCK, { ttl: 50, renew: false });
    await until(() => !held.isHeld, { what: 'it is lost' });
    await expect(fencedSet(redis, KEY, 'old', held)).rejects.toMatchObject({ code: 'LOCK_LOST' });
    expect(await redis.exists(KEY, FENCE)).toBe(0);
  });
});
