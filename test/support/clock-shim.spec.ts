import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import { RedisServer } from './redis-server.js';
import { until } from './until.js';

const MINUTE = 60_000;

let server: RedisServer;
let client: Redis;

/** How far the server's clock is from this process's, to the nearest tenth of a second. */
async function shift(): Promise<number> {
  for (;;) {
    const before = Date.now();
    const [seconds, micros] = (await client.time()).map(Number) as [number, number];
    // A slower answer tells too little.
    if (Date.now() - before > 40) continue;
    return Math.round((seconds * 1000 + micros / 1000 - before) / 100) * 100;
  }
}

const timed = async (action: () => Promise<unknown>): Promise<number> => {
  const start = performance.now();
  await action();
  return performance.now() - start;
};

// The shim is preloaded, which other systems do in other ways.
const onLinux = process.platform === 'linux' ? describe : describe.skip;

onLinux('a server whose clock can be stepped', () => {
  beforeEach(async () => {
    server = await RedisServer.start({ canStepClock: true });
    client = server.client({ retryStrategy: () => 10 });
  });
  afterEach(() => server.stop());

  it('goes by the steps, forward and back, which add up', async () => {
    expect(await shift()).toBe(0);
    server.stepClock(MINUTE);
    expect(await shift()).toBe(MINUTE);
    server.stepClock(-2 * MINUTE);
    expect(await shift()).toBe(-MINUTE);
    server.stepClock(MINUTE + 500);
    expect(await shift()).toBe(500);
  });

  it('tells scripts the same time', async () => {
    server.stepClock(MINUTE);
    const seconds = Number(await client.eval("return redis.call('TIME')[1]", 0));
    expect(Math.abs(seconds - Date.now() / 1000 - 60)).toBeLessThan(2);
  });

  it('lets keys expire early after a step forward', async () => {
    await client.set('key', 'value', 'PX', 30_000);
    server.stepClock(MINUTE);
    expect(await client.get('key')).toBeNull();
  });

  it('keeps keys for longer after a step back', async () => {
    await client.set('key', 'value', 'PX', 100);
    server.stepClock(-MINUTE);
    await client.blpop('nothing', 0.3);
    expect(await client.get('key')).toBe('value');
    expect(await client.pttl('key')).toBeGreaterThan(MINUTE - 1000);
    server.stepClock(MINUTE);
    expect(await client.get('key')).toBeNull();
  });

  it.each([MINUTE, -MINUTE])(
    'goes on answering, and with its timers, after %d ms',
    async (step) => {
      const slowest = async () =>
        Math.max(await timed(() => client.ping()), await timed(() => client.time()));
      server.stepClock(step);
      expect(await slowest()).toBeLessThan(1000);
      // Nobody asks for these keys: a timer of the event loop finds them.
      await client.set('key', 'value', 'PX', 10);
      const expired = async () => /^expired_keys:1\r$/m.test(await client.info('stats'));
      await until(expired, { what: 'the key expired by itself' });
      expect(await slowest()).toBeLessThan(1000);
    },
  );

  it('keeps its clock over a restart', async () => {
    server.stepClock(MINUTE);
    await server.restart();
    expect(await shift()).toBe(MINUTE);
    server.stepClock(-MINUTE);
    expect(await shift()).toBe(0);
  });

  it('is stepped while it stands still', async () => {
    await client.set('key', 'value', 'PX', 30_000);
    server.pause();
    server.stepClock(MINUTE);
    server.resume();
    expect(await client.get('key')).toBeNull();
  });

  it('has a clock of its own', async () => {
    const other = await RedisServer.start({ canStepClock: true });
    try {
      other.stepClock(MINUTE);
      expect(await shift()).toBe(0);
    } finally {
      await other.stop();
    }
  });
});

describe('another server', () => {
  it('refuses steps', async () => {
    server = await RedisServer.start();
    try {
      expect(() => server.stepClock(MINUTE)).toThrow('with canStepClock');
    } finally {
      await server.stop();
    }
  });
});
