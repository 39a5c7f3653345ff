import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import type { CheckReport, Finding } from 'nestjs-locker';
import { TestLockStore } from 'nestjs-locker/testing';
import { afterTest, lockService } from '../support/lock-service.js';
import { untilAllVote } from '../support/quorum.js';
import { RedisNodes } from '../support/redis-nodes.js';
import { HOST, RedisServer } from '../support/redis-server.js';

const THOROUGH = { thorough: true, timeout: '5s', maxLatency: '10s' } as const;

const findingOf = ({ findings }: CheckReport, code: Finding['code']): Finding | undefined =>
  findings.find((finding) => finding.code === code);

/** Those that are no praise. */
const troubles = ({ findings }: CheckReport): string[] =>
  findings.flatMap(({ code, severity }) => (severity === 'ok' ? [] : [`${code}: ${severity}`]));

describe('locks.check()', () => {
  let server: RedisServer;
  let direct: Redis;
  beforeAll(async () => {
    server = await RedisServer.start({ canStepClock: true });
    direct = server.client();
    await direct.config('SET', 'appendonly', 'yes');
  });
  afterAll(() => server.stop());

  const check = async (url = server.url): Promise<CheckReport> => {
    const locks = await lockService({ redis: url });
    return locks.check(THOROUGH);
  };
  /** As a user that may not do these any more, once its application has started. */
  const checkWithout = async (...rules: string[]): Promise<CheckReport> => {
    const rights = ['reset', 'on', '>secret', '~lock:*', '&lock:*', '+@all'];
    await direct.call('ACL', 'SETUSER', 'locker', ...rights);
    const locks = await lockService({ redis: server.url.replace('//', '//locker:secret@') });
    await direct.call('ACL', 'SETUSER', 'locker', ...rules);
    return locks.check(THOROUGH);
  };

  it('finds nothing to change where there is nothing', async () => {
    const report = await check();
    expect(report.status).toBe('ok');
    expect(report.findings.map(({ code, severity }) => [code, severity])).toEqual([
      ['write', 'ok'],
      ['version', 'ok'],
      ['eviction', 'ok'],
      ['clock', 'ok'],
      ['persistence', 'ok'],
      ['permissions', 'ok'],
      ['hand-overs', 'ok'],
    ]);
    expect(findingOf(report, 'hand-overs')!.text).toContain('push');
    expect(await direct.keys('*probe*')).toEqual([]);
  });

  it('asks less where it is not thorough', async () => {
    const locks = await lockService({ redis: server.url });
    const { findings, survey } = await locks.check({ maxLatency: '10s' });
    expect(findings.map(({ code }) => code)).toEqual([
      'write',
      'version',
      'eviction',
      'clock',
      'hand-overs',
    ]);
    expect(survey.servers[0]).toMatchObject({ role: 'master', persistence: null, missing: null });
  });

  it.each([
    ['-hgetall', '+hgetall', 'fail'],
    ['-zrank', '+zrank', 'fail'],
    ['-zrangebyscore', '+zrangebyscore', 'fail'],
    ['-wait', '+wait', 'warn'],
    ['-publish', '+publish', 'fail'],
    ['resetchannels', '&lock:*', 'warn'],
  ])('tells that a user with %s lacks %s', async (rule, lacking, severity) => {
    const finding = findingOf(await checkWithout(rule), 'permissions')!;
    expect(finding).toMatchObject({ severity, advice: `ACL SETUSER <user> ${lacking}` });
  });

  it('tells of channels where they are not heard', async () => {
    const report = await checkWithout('resetchannels');
    expect(troubles(report)).toEqual(['permissions: warn', 'hand-overs: warn']);
    const deaf = await checkWithout('-subscribe');
    expect(findingOf(deaf, 'hand-overs')).toMatchObject({
      severity: 'warn',
      detail: expect.stringMatching(/subscribe/i),
    });
  });

  it('tells of keys that may not be used, though nothing can be started with them', async () => {
    const locks = await lockService({ redis: server.url });
    await direct.call('ACL', 'SETUSER', 'default', 'resetkeys', '~other:*');
    const report = await locks.check(THOROUGH);
    await direct.call('ACL', 'SETUSER', 'default', '~*');
    expect(troubles(report)).toEqual(['write: fail', 'permissions: fail']);
    expect(findingOf(report, 'permissions')!.advice).toBe('ACL SETUSER <user> ~lock:*');
  });

  it('tells what a restart forgets', async () => {
    await direct.config('SET', 'appendonly', 'no');
    const nothing = findingOf(await check(), 'persistence')!;
    expect(nothing).toMatchObject({ severity: 'warn', text: expect.stringContaining('nothing') });
    await direct.config('SET', 'save', '3600 1');
    const snapshots = findingOf(await check(), 'persistence')!;
    expect(snapshots.text).toContain('snapshots only (save 3600 1)');
    await direct.config('SET', 'save', '');
    await direct.config('SET', 'appendonly', 'yes');
  });

  it('tells of a clock that is wrong', async () => {
    server.stepClock(60_000);
    const { severity, text } = findingOf(await check(), 'clock')!;
    server.stepClock(-60_000);
    expect(severity).toBe('warn');
    expect(Number(/(\d+) ms ahead of/.exec(text)![1]) / 1_000).toBeCloseTo(60, 0);
  });

  it('tells of a replica that may be written to', async () => {
    const locks = await lockService({ redis: server.url });
    await direct.replicaof(HOST, 1);
    await direct.config('SET', 'replica-read-only', 'no');
    const report = await locks.check(THOROUGH);
    await direct.config('SET', 'replica-read-only', 'yes');
    await direct.replicaof('NO', 'ONE');
    expect(troubles(report)).toEqual(['role: fail']);
  });

  it('looks at any store', async () => {
    const locks = await lockService({ store: new TestLockStore() });
    expect((await locks.check()).findings).toMatchObject([
      { code: 'write', severity: 'ok' },
      { code: 'hand-overs', severity: 'ok' },
    ]);
  });

  it.each([
    [{ timeout: 'soon' }, '"timeout" is "soon"'],
    [{ thorough: 1 }, '"thorough" is 1; write true or false'],
    [{ wait: 1 }, 'there is no option "wait"'],
  ])('refuses %j', async (options, message) => {
    const locks = await lockService({ store: 'memory' });
    await expect(locks.check(options as object)).rejects.toThrow(message);
  });
});

describe('locks.check() over nodes', () => {
  it('looks at each of them', async () => {
    const nodes = await RedisNodes.start(3);
    afterTest(() => nodes.stop());
    await nodes.servers[1]!.client().config('SET', 'maxmemory-policy', 'volatile-lru');
    const locks = await lockService({ nodes: nodes.urls, firstDeployment: true, ttl: '1s' });
    await untilAllVote(locks);
    await nodes.servers[2]!.client().call('ACL', 'SETUSER', 'default', '-zcount');
    const report = await locks.check(THOROUGH);
    expect(report.status).toBe('fail');
    const found = report.findings.filter(({ severity }) => severity !== 'ok');
    expect(found.map(({ code, server }) => [code, server])).toEqual([
      ['eviction', `Redis at ${HOST}:${nodes.servers[1]!.port}`],
      ['permissions', `Redis at ${HOST}:${nodes.servers[2]!.port}`],
    ]);
    expect(found[1]!.advice).toBe('ACL SETUSER <user> +zcount');
    expect(report.survey.quorum).toEqual({ voting: 3, needed: 2, all: 3 });
    expect(report.survey.handOvers).toEqual({ how: 'push', error: null });
    expect(findingOf(report, 'persistence')).toMatchObject({
      severity: 'ok',
      text: expect.stringContaining('does not vote for a while'),
    });
  });
});
