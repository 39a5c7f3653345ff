import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import { lockService } from '../support/lock-service.js';
import { RedisServer } from '../support/redis-server.js';

describe('what logs show of a lock and of its service', () => {
  let server: RedisServer;
  let direct: Redis;
  beforeAll(async () => {
    server = await RedisServer.start();
    direct = server.client();
  });
  afterAll(() => server.stop());

  /** The owner, as Redis keeps it: whoever knows it can release the lock. */
  async function ownerOf(name: string): Promise<string> {
    const [key] = await direct.keys(`lock:*:lease:${name}`);
    const [owner] = await direct.hkeys(key!);
    return owner!;
  }

  it('is neither the owner nor the password', async () => {
    await direct.config('SET', 'requirepass', 's3cret');
    const locks = await lockService({ redis: server.url.replace('//', '//:s3cret@') });
    const lock = await locks.acquire('a');
    const owner = await ownerOf('a');
    expect(owner).toHaveLength(36);
    for (const shown of [lock, locks, { lock, locks }]) {
      for (const text of [inspect(shown, { depth: 20 }), JSON.stringify(shown)]) {
        expect(text).not.toContain(owner);
        expect(text).not.toContain('s3cret');
      }
    }
    expect(JSON.parse(JSON.stringify(lock))).toEqual({
      name: 'a',
      fencingTokens: { a: lock.fencingToken },
      isHeld: true,
      remainingMs: expect.any(Number),
    });
    await lock.release();
  });
});
