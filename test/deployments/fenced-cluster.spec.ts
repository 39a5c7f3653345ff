import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { Cluster, Redis } from 'ioredis';
import { StaleFencingTokenError } from 'nestjs-locker';
import { fenceKeyOf } from '../../lib/fencing/redis/fence-key.js';
import { FencedScript } from '../../lib/fencing/redis/fenced-script.js';
import { fencedSet } from '../../lib/fencing/redis/fenced-set.js';
import { leaseKey } from '../support/lease-end.js';
import { lockService } from '../support/lock-service.js';
import { RedisCluster } from '../support/redis-cluster.js';
import { until } from '../support/until.js';

jest.setTimeout(60_000);

const LOCK = '{account:7}';
const KEY = '{account:7}:balance';
const BOOK = '{account:7}:book';

let cluster: RedisCluster;
let client: Cluster;
let nodes: Redis[];

beforeAll(async () => {
  cluster = await RedisCluster.start();
  client = cluster.client();
  nodes = cluster.servers.map((server) => server.client());
});
afterAll(() => cluster.stop());
beforeEach(() => Promise.all(nodes.map((node) => node.flushall())));

const slotOf = (key: string): Promise<number> => nodes[0]!.cluster('KEYSLOT', key);

describe('on a Cluster', () => {
  it('a lock, the keys with its tag, and their fences are in one slot', async () => {
    const fence = fenceKeyOf(KEY);
    await lockService({ redis: client }).then((locks) =>
      locks.withLock(LOCK, async (lock) => {
        await fencedSet(client, KEY, 100, lock);
        expect(await client.get(KEY)).toBe('100');
        expect(await client.get(fence)).toBe(String(lock.fencingToken));
        // One command on all of them passes only in one slot.
        expect(await client.exists(leaseKey(LOCK), KEY, fence)).toBe(3);
      }),
    );
  });

  it('an older holder is refused, on every slot and with any key', async () => {
    for (const key of [
      KEY,
      'balance',
      'a{b}c',
      'a}b{c}',
      ...Array.from({ length: 50 }, (_, i) => `k:${i}`),
    ]) {
      await fencedSet(client, key, 'new', 6);
      await expect(fencedSet(client, key, 'old', 5)).rejects.toThrow(StaleFencingTokenError);
      expect(await client.get(key)).toBe('new');
    }
  });

  it('a script passes with keys of one slot, and Redis refuses others', async () => {
    const move = new FencedScript(`
      redis.call('DECRBY', KEYS[1], ARGV[1])
      return redis.call('RPUSH', KEYS[2], ARGV[1])`);
    await fencedSet(client, KEY, 100, 7);
    const args = [30];
    expect(await move.run(client, { keys: [KEY, BOOK], args, by: 7 })).toBe(1);
    expect(await client.get(KEY)).toBe('70');
    const late = move.run(client, { keys: [KEY, BOOK], args, by: 6 });
    await expect(late).rejects.toThrow(StaleFencingTokenError);
    const keys = [KEY, 'elsewhere'];
    await expect(move.run(client, { keys, args, by: 7 })).rejects.toThrow(/CROSSSLOT/);
    const fence = 'elsewhere';
    await expect(move.run(client, { keys: [KEY, BOOK], args, fence, by: 7 })).rejects.toThrow(
      /CROSSSLOT/,
    );
  });

  it.each([
    ['twice, as the client sends it again', {}, 60],
    ['once with retryDelayOnFailover: 0', { retryDelayOnFailover: 0 }, 30],
  ])('a script whose answer is lost runs %s', async (_what, options, balance) => {
    const own = cluster.client(options);
    const deposit = new FencedScript(`return redis.call('INCRBY', KEYS[1], ARGV[1])`);
    await deposit.run(own, { keys: [KEY], args: [0], by: 5 });
    const call = { keys: [KEY], args: [30], by: 5 };
    const streams = own.nodes('master').flatMap(({ stream }) => stream ?? []);
    for (const stream of streams) stream.pause();
    const running = deposit.run(own, call).catch((error: unknown) => error);
    await until(async () => (await client.get(KEY)) === '30', { what: 'it has run' });
    for (const stream of streams) stream.destroy();
    expect(await running).toEqual(balance === 60 ? 60 : new Error('Connection is closed.'));
    expect(await client.get(KEY)).toBe(String(balance));
  });

  it('a script may be fenced by the bare name of a tag', async () => {
    const script = new FencedScript(`return redis.call('SET', KEYS[1], ARGV[1])`);
    const call = { keys: [KEY], fence: 'account:7' };
    expect(await script.run(client, { ...call, args: ['new'], by: 6 })).toBe('OK');
    const late = script.run(client, { ...call, args: ['old'], by: 5 });
    await expect(late).rejects.toThrow(StaleFencingTokenError);
  });

  it.each([
    ['app:', { keyPrefix: 'app:' }],
    ['{app}:', { keyPrefix: '{app}:' }],
    ['old:', { redisOptions: { keyPrefix: 'old:' } }],
  ])('a client may have the keyPrefix %s', async (prefix, options) => {
    const prefixed = cluster.client(options);
    for (const key of ['balance', KEY, 'a{b}c']) {
      await fencedSet(prefixed, key, 'new', 6);
      await expect(fencedSet(prefixed, key, 'old', 5)).rejects.toThrow(StaleFencingTokenError);
      await expect(fencedSet(client, prefix + key, 'old', 5)).rejects.toThrow(
        StaleFencingTokenError,
      );
      expect(await client.get(prefix + key)).toBe('new');
    }
  });

  it('every key either has a fence in its slot or is refused for its braces', async () => {
    const letters = ['a', ':', '{', '}'];
    const keys = [...letters];
    for (const key of keys) if (key.length < 4) keys.push(...letters.map((letter) => key + letter));
    const prefixes = ['', 'a:', '{a}', '{', '}', '{}', 'a{a'];
    const outcomes = await Promise.all(
      prefixes.flatMap((prefix) =>
        keys.map(async (key) => {
          let fence: string;
          try {
            fence = fenceKeyOf(key, prefix);
          } catch {
            return /[{}]/.test(prefix + key) ? 'refused' : 'refused without a brace';
          }
          const [one, other] = await Promise.all([slotOf(prefix + fence), slotOf(prefix + key)]);
          return one === other ? 'fenced' : 'elsewhere';
        }),
      ),
    );
    expect(outcomes.filter((outcome) => outcome === 'fenced').length).toBeGreaterThan(500);
    expect(new Set(outcomes)).toEqual(new Set(['fenced', 'refused']));
  });
});
