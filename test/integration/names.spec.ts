import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { Redis } from 'ioredis';
import { LockKeyError, type LockService } from 'nestjs-locker';
import { errorOf, eventsOf, lockService } from '../support/lock-service.js';
import { RedisServer } from '../support/redis-server.js';

jest.setTimeout(20_000);

const NAMES: [string, string][] = [
  ['quotes', `it's "quoted" \`here\` \\`],
  ['braces', 'a{b}c}{'],
  ['empty braces', 'a{}b'],
  ['NUL', 'a\0b'],
  ['newlines', 'a\r\nb\n'],
  ['an emoji', '🔒:👩‍👩‍👧'],
  ['decomposed characters', 'e\u0301'],
  ['__proto__', '__proto__'],
  ['constructor', 'constructor'],
  ['blanks', ' a '],
  ['a wild card', '*'],
  ['a protocol of Redis', '$3\r\nfoo\r\n'],
  ['4 KiB', 'ü'.repeat(2_048)],
];

let server: RedisServer;
let direct: Redis;
let locks: LockService;
beforeAll(async () => {
  server = await RedisServer.start();
  direct = server.client();
});
afterAll(() => server.stop());
beforeEach(async () => {
  await direct.flushall();
  locks = await lockService({ redis: server.url });
});

describe('a name with', () => {
  it.each(NAMES)('%s comes back exactly as it was given', async (_what, name) => {
    const events = eventsOf(locks);
    const others = await lockService({ redis: server.url });
    await locks.withLock(name, async (lock) => {
      expect(lock.name).toBe(name);
      expect(locks.current(name)).toBe(lock);
      expect(locks.held()).toEqual([expect.objectContaining({ name })]);
      expect(await others.tryAcquire(name)).toBeNull();
      expect(await errorOf(others.acquire(name, { wait: 0 }))).toMatchObject({ lockName: name });
      expect(await others.inspect(name)).toMatchObject({ fencingToken: lock.fencingToken });
      await lock.extend('1 minute');
    });
    expect(events).toEqual([
      expect.objectContaining({ type: 'acquired', name }),
      expect.objectContaining({ type: 'released', name }),
    ]);
    expect(await direct.keys('*lease*')).toEqual([]);
  });
});

describe('names', () => {
  it('are all different locks where they differ at all', async () => {
    const names = [...NAMES.map(([, name]) => name), 'é', 'A', 'a', 'a ', 'a{b}c', 'a{c}c', 'b'];
    const taken = await Promise.all(names.map((name) => locks.tryAcquire(name)));
    expect(taken).not.toContain(null);
    expect(
      locks
        .held()
        .map(({ name }) => name)
        .sort(),
    ).toEqual([...names].sort());
  });

  const refused: [string, unknown][] = [
    ['nothing', undefined],
    ['null', null],
    ['a number', 42],
    ['an object', { toString: () => 'a' }],
    ['the empty text', ''],
    ['half of a surrogate pair', '🔒'.slice(0, 1)],
    ['more than 4 KiB', `${'ü'.repeat(2_048)}a`],
  ];

  it.each(refused)('are refused: %s', async (_what, wrong) => {
    const name = wrong as string;
    for (const call of [
      locks.acquire(name),
      locks.tryAcquire(name),
      locks.withLock(name, () => 'done'),
      locks.inspect(name),
      locks.forceRelease(name),
    ]) {
      expect(await errorOf(call)).toBeInstanceOf(LockKeyError);
    }
    expect(await direct.keys('*lease*')).toEqual([]);
  });
});
