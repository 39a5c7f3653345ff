import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import { LockService } from 'nestjs-locker';
import { leaseKey } from '../support/lease-end.js';
import { afterTest, lockApp, lockService, RecordingLogger } from '../support/lock-service.js';
import { queueOf } from '../support/queue.js';
import { HOST, RedisServer } from '../support/redis-server.js';
import { until } from '../support/until.js';

let server: RedisServer;
let direct: Redis;
beforeAll(async () => {
  server = await RedisServer.start();
  direct = server.client();
});
afterAll(() => server.stop());

const MORE = 'See "A lost lock" in docs/monitoring.md.';

/** A service whose log is kept: Nest writes all logs to the logger of the application that was made last. */
async function logged(): Promise<{ locks: LockService; logger: RecordingLogger }> {
  const logger = new RecordingLogger();
  return { locks: await lockService({ redis: server.url, logger }), logger };
}

async function untilLine(logger: RecordingLogger, line: RegExp): Promise<string> {
  const find = (): string | undefined => logger.lines.find((each) => line.test(each));
  await until(() => find() !== undefined, { what: `${line} is logged`, timeoutMs: 20_000 }).catch(
    (error: Error) => {
      throw new Error(`${error.message}:\n${logger.lines.join('\n')}`);
    },
  );
  return find()!;
}

describe('what the log tells of a lost lock', () => {
  it('is what was lost, to whom, and what to look at (taken over)', async () => {
    const other = await lockService({ redis: server.url, service: 'other' });
    const { locks, logger } = await logged();
    const lost = await locks.acquire('a', { ttl: '600ms' });
    await direct.del(leaseKey('a'));
    const { fencingToken } = await other.acquire('a', { ttl: '10s' });
    const line = await untilLine(logger, /was lost/);
    expect(line).toMatch(
      /^warn The lock "a" was lost: somebody else holds it now\. \(held for \d+ ms, /,
    );
    expect(line).toContain(`fencing token ${lost.fencingToken}) Its lease was over before: look`);
    expect(line).toContain(MORE);
    expect(await untilLine(logger, /which was lost/)).toMatch(
      new RegExp(
        String.raw`^warn "a", which was lost, is held by other \(\S+, pid ${process.pid}\) since \S+Z, with fencing token ${fencingToken}\.$`,
      ),
    );
  });

  it('is to look at what Redis forgets (expired)', async () => {
    const { locks, logger } = await logged();
    await locks.acquire('b', { ttl: '600ms' });
    await direct.del(leaseKey('b'));
    expect(await untilLine(logger, /was lost/)).toMatch(/no longer has its lease .* doctor\. See/);
    await untilLine(logger, /^debug Nobody has taken "b" since it was lost\.$/);
  });

  it('is who was next (forced)', async () => {
    const other = await lockService({ redis: server.url, service: 'next' });
    const { locks, logger } = await logged();
    await locks.acquire('c', { ttl: '10s' });
    const next = other.acquire('c', { wait: '20s', ttl: '10s' });
    await queueOf(direct, 'c', 1);
    await locks.forceRelease('c');
    await next;
    expect(await untilLine(logger, /was lost/)).toContain('Whoever did it has logged it');
    await untilLine(logger, /^warn "c" was released by force; /);
    await untilLine(logger, /^warn "c", which was lost, is held by next /);
  });

  it('is the bound that was passed (max-hold, not-renewed, shutdown)', async () => {
    const logger = new RecordingLogger();
    const app = await lockApp({ redis: server.url, logger });
    const locks = app.get(LockService);
    await locks.acquire('d', { maxHold: '100ms' });
    expect(await untilLine(logger, /"d" was lost/)).toContain('or raise maxHold. See');
    await locks.acquire('e', { renew: false, ttl: '100ms' });
    expect(await untilLine(logger, /"e" was lost/)).toContain('or leave renew: false out. See');
    await locks.acquire('f');
    await app.close();
    expect(await untilLine(logger, /"f" was lost/)).toContain('or raise drainTimeout. See');
  });

  it('is whether the store can be reached (deadline)', async () => {
    const gone = await RedisServer.start();
    afterTest(() => gone.stop());
    const away = await lockService({ redis: gone.url });
    const { locks, logger } = await logged();
    await away.acquire('g', { ttl: '600ms' });
    await gone.kill();
    expect(await untilLine(logger, /"g" was lost/)).toMatch(
      new RegExp(
        `The store cannot be reached: connect ECONNREFUSED ${HOST}:${gone.port}\\. See "A lost lock"`,
      ),
    );
    // This process stands still for longer than the lease lasts.
    await locks.acquire('h', { ttl: '100ms' });
    const until = performance.now() + 150;
    while (performance.now() < until);
    expect(await untilLine(logger, /"h" was lost/)).toContain(
      'The store can be reached now: look for what blocked the event loop',
    );
  });
});
