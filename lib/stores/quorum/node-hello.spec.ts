import { describe, expect, it } from '@jest/globals';
import { parseHello } from './node-hello.js';

const CONTEXT = { description: 'Redis at redis-1:6379' };
const FSYNC = ['appendfsync', 'always', 'no-appendfsync-on-rewrite', 'no'];

const infoOf = (part: Record<string, string> = {}): string[] => {
  const info = {
    run_id: 'abc',
    aof_enabled: '1',
    aof_rewrite_in_progress: '0',
    aof_rewrite_scheduled: '0',
    aof_last_write_status: 'ok',
    maxmemory_policy: 'noeviction',
    role: 'master',
    cluster_enabled: '0',
    ...part,
  };
  return ['# Server', ...Object.entries(info).map(([key, value]) => `${key}:${value}`)];
};
const hello = (part?: Record<string, string>, fsync: unknown = FSYNC, context = CONTEXT) =>
  parseHello([1_700_000_000_000_000, 'a marker', infoOf(part).join('\r\n')], fsync, context);

describe('what a node says of itself', () => {
  it('is its run id, its TIME and its marker', () => {
    expect(hello()).toEqual({
      runId: 'abc',
      micros: 1_700_000_000_000_000,
      markerText: 'a marker',
      isDurable: true,
      refusal: undefined,
      notices: [],
    });
    expect(parseHello([1, '', 'run_id:abc'], [], CONTEXT).markerText).toBeNull();
  });

  it('is of no use without a run id', () => {
    expect(() => parseHello([1, '', 'redis_version:7'], [], CONTEXT)).toThrow(
      'Redis at redis-1:6379 does not tell its run_id',
    );
  });

  it.each<[string, Record<string, string>, unknown]>([
    ['no AOF', { aof_enabled: '0' }, FSYNC],
    ['an AOF written every second', {}, [...FSYNC.slice(2), 'appendfsync', 'everysec']],
    ['an AOF not written while it is rewritten', {}, [...FSYNC.slice(0, 3), 'yes']],
    ['an AOF that is not complete yet', { aof_rewrite_in_progress: '1' }, FSYNC],
    ['an AOF that will begin', { aof_rewrite_scheduled: '1' }, FSYNC],
    ['an AOF that cannot be written', { aof_last_write_status: 'err' }, FSYNC],
  ])('shows that it may forget: %s', (_what, part, fsync) => {
    expect(hello(part, fsync).isDurable).toBe(false);
  });

  it('leaves open whether it may forget where it does not tell its settings', () => {
    expect(hello({}, []).isDurable).toBeUndefined();
    expect(hello({ aof_enabled: '0' }, []).isDurable).toBe(false);
  });

  it.each([
    ['is a replica', { role: 'slave' }],
    ['is one node of a Redis Cluster', { cluster_enabled: '1' }],
  ])('refuses it where it %s', (what, part) => {
    expect(hello(part).refusal).toContain(`Redis at redis-1:6379 ${what}`);
  });

  it('is worth a warning where it may evict keys', () => {
    const { notices } = hello({ maxmemory_policy: 'allkeys-lfu' });
    expect(notices).toEqual([expect.stringMatching(/allkeys-lfu.*noeviction/s)]);
  });
});
