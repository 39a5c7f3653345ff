// What one writes by hand: the floor for whatever talks to Redis.
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { bareOverNodes } from './bare-over-nodes.mjs';
import { COMPARE_AND_DELETE } from './compare-and-delete.mjs';
import { versionOf } from './version-of.mjs';

export default {
  name: 'bare-ioredis',
  version: versionOf('ioredis'),
  note: '`SET NX PX`, and a script that compares and deletes; polls, with jitter',
  async setUp({ url, ttlMs, retryMs }) {
    const redis = new Redis(url);
    const sha = await redis.script('LOAD', COMPARE_AND_DELETE);
    return {
      async acquire(name) {
        const owner = randomUUID();
        while ((await redis.set(name, owner, 'PX', ttlMs, 'NX')) !== 'OK') {
          await sleep(retryMs * (0.5 + Math.random()));
        }
        return { name, owner };
      },
      release: ({ name, owner }) => redis.evalsha(sha, 1, name, owner),
    };
  },
  overNodes: bareOverNodes,
};
