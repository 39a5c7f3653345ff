import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { Redis } from 'ioredis';
import type { LockService } from 'nestjs-locker';
import { CommandError, toCommandError } from '../../lib/cli/exit.js';
import { runProgram } from '../../lib/cli/program.js';
import { terminalOf } from '../../lib/cli/terminal.js';
import { commonReportKeys } from '../../lib/stores/redis/redis-keys.js';
import { command, CommandRun } from '../support/command.js';
import { documentedRights } from '../support/documented-rights.js';
import { afterTest, errorOf, eventsOf, lockService } from '../support/lock-service.js';
import { queueOf } from '../support/queue.js';
import { NodeLook, untilAllVote } from '../support/quorum.js';
import { RedisNodes } from '../support/redis-nodes.js';
import { RedisServer } from '../support/redis-server.js';
import { until } from '../support/until.js';

// Each command starts a process.
jest.setTimeout(120_000);

const HOSTILE = 'invoice:\u001b[2J\u202e\n42';

let server: RedisServer;
let direct: Redis;
let url: string;
beforeAll(async () => {
  server = await RedisServer.start();
  direct = server.client();
  url = server.url;
});
afterAll(() => server.stop());

const ofServer = (...args: string[]): Promise<Awaited<ReturnType<typeof command>>> =>
  command(args, { REDIS_URL: url });

const objectsOf = (out: string): Record<string, unknown>[] =>
  out
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Record<string, unknown>);

/** A service that tells what it holds at once. */
async function service(name = 'billing'): Promise<LockService> {
  return lockService({ redis: url, service: name, reports: '100ms' });
}

async function untilListed(locks: LockService, ...names: string[]): Promise<void> {
  const listed = async () => {
    const page = await locks.overview.held();
    return names.every((name) => page.names.some((each) => each.name === name));
  };
  await until(listed, { what: `${names.join()} are listed`, timeoutMs: 20_000 });
}

describe('inspect and list', () => {
  it('tell who holds what, with which token, and who waits', async () => {
    const locks = await service();
    const others = await service('waiter');
    const lock = await locks.acquire('invoice:42', { ttl: '60s' });
    const waiter = others.acquire('invoice:42', { wait: '100s' });
    const permit = await locks.semaphore('tax', 4).acquire({ count: 2, ttl: '60s' });
    const hostile = await locks.acquire(HOSTILE, { ttl: '60s' });
    await queueOf(direct, 'invoice:42', 1);
    await untilListed(locks, 'invoice:42', 'tax', HOSTILE);

    const [inspected, json, semaphore, listed, found] = await Promise.all([
      ofServer('inspect', 'invoice:42'),
      ofServer('inspect', 'invoice:42', '--json'),
      ofServer('inspect', 'tax', '--json'),
      ofServer('list'),
      ofServer('list', '--search', 'invoice:4?', '--json', '--kind', 'lock'),
    ]);
    const holder = { service: 'billing', host: expect.any(String), pid: process.pid };
    expect(inspected).toMatchObject({ code: 0, err: '' });
    expect(inspected.out).toMatch(
      new RegExp(
        String.raw`^NAME +KIND +HELD BY .*\ninvoice:42 +lock +billing \(\S+, pid ${process.pid}\) +\S+s +\d+s +${lock.fencingToken} +1\n\nQueue:\n1\. waiter \(`,
      ),
    );
    expect(objectsOf(json.out)).toEqual([
      {
        name: 'invoice:42',
        kind: 'lock',
        waiting: 1,
        holders: [
          {
            ...holder,
            fencingToken: lock.fencingToken,
            since: expect.stringMatching(/Z$/),
            heldMs: expect.any(Number),
            remainingMs: expect.any(Number),
            units: 0,
          },
        ],
        queue: [{ ...holder, service: 'waiter', units: 0 }],
      },
    ]);
    expect(objectsOf(semaphore.out)).toMatchObject([
      { name: 'tax', kind: 'semaphore', permits: 4, waiting: 0, holders: [{ units: 2 }] },
    ]);
    expect(listed.out).toContain('tax ');
    expect(listed.out).toContain('semaphore of 4');
    expect(listed.out).toContain(String.raw`invoice:\u{1b}[2J\u{202e}\u{a}42`);
    expect(listed.out).not.toContain('\u001b');
    expect(listed.out).not.toContain('\u202e');
    expect(objectsOf(found.out).map(({ name }) => name)).toEqual(['invoice:42']);

    await Promise.all([lock.release(), permit.release(), hostile.release()]);
    await (await waiter).release();
  });

  it('tell that nobody holds it, and end where nobody reads', async () => {
    const [nobody, unread] = [
      CommandRun.start(['inspect', 'nobody'], { REDIS_URL: url }),
      CommandRun.start(['list'], { REDIS_URL: url }),
    ];
    unread.child.stdout!.destroy();
    expect(await nobody.ended()).toEqual({ code: 1, out: 'Nobody holds "nobody".\n', err: '' });
    await until(() => unread.child.exitCode !== null, { what: 'it ends', timeoutMs: 30_000 });
    expect([unread.child.exitCode, unread.err]).toEqual([0, '']);
  });
});

describe('release', () => {
  it('takes a name from the holder that is meant, and says who had it', async () => {
    const locks = await service();
    const lock = await locks.acquire('stuck', { ttl: '60s' });
    const events = eventsOf(locks);
    const token = String(lock.fencingToken);
    const [other, unasked] = await Promise.all([
      ofServer('release', 'stuck', '--token', '7', '--yes'),
      ofServer('release', 'stuck', '--token', token),
    ]);
    expect(other).toMatchObject({ code: 1, out: '' });
    expect(other.err).toContain(`it is held by billing (`);
    expect(other.err).toContain(`with token ${token}`);
    expect(unasked).toMatchObject({ code: 2, out: '' });
    expect(unasked.err).toContain('write --yes');
    expect(await locks.inspect('stuck')).toMatchObject({ fencingToken: lock.fencingToken });

    const released = await ofServer('release', 'stuck', '--token', token, '--yes');
    expect(released).toMatchObject({ code: 0, err: '' });
    expect(released.out).toMatch(/^Released "stuck": billing \(\S+, pid \d+\) had held it since /);
    expect(await locks.inspect('stuck')).toBeNull();
    await lock.extend('60s').catch(() => undefined); // its holder learns it when it asks
    await until(() => events.some(({ type }) => type === 'lost'), { what: 'it is lost' });
    expect(events.find(({ type }) => type === 'lost')).toMatchObject({ reason: 'forced' });
    const [told] = await locks.overview.events(1).then((all) => all.filter(({ actor }) => actor));
    expect(told).toMatchObject({ type: 'forced', name: 'stuck', actor: expect.any(String) });
  });

  it('has the name typed on a terminal', async () => {
    const locks = await service();
    const lock = await locks.acquire('typed', { ttl: '60s' });
    const args = ['release', 'typed', '--token', String(lock.fencingToken)];
    const runs = [CommandRun.onTerminal(args, { REDIS_URL: url })];
    await runs[0]!.wrote('Type the name');
    runs[0]!.child.stdin!.write('type\n');
    expect(await runs[0]!.ended()).toMatchObject({
      code: 1,
      out: expect.stringContaining('nothing is released'),
    });
    expect(await locks.inspect('typed')).not.toBeNull();
    runs.push(CommandRun.onTerminal(args, { REDIS_URL: url }));
    await runs[1]!.wrote('Type the name');
    runs[1]!.child.stdin!.write('typed\n');
    expect(await runs[1]!.ended()).toMatchObject({ code: 0 });
    expect(await locks.inspect('typed')).toBeNull();
  });
});

describe('watch', () => {
  it('tells changes, one a line, until it is stopped', async () => {
    const locks = await service();
    const args = ['watch', '--interval', '100ms'];
    const lines = CommandRun.start([...args, '--json'], { REDIS_URL: url });
    const screen = CommandRun.onTerminal(args, { REDIS_URL: url });
    const lock = await locks.acquire('watched', { ttl: '60s' });
    await lines.wrote('"held"');
    await screen.wrote('watched');
    await locks.forceRelease('watched');
    await lock.release();
    await lines.wrote('"freed"');
    await lines.wrote('"event"');
    // Of one moment, by several processes, one of which has a clock that is ahead.
    const reports = locks.overview;
    const others = Array.from({ length: 60 }, (_, i) => i);
    for (const i of others) await reports.audit({ type: 'audit', name: `n${i}`, text: 'Many.' });
    const process_ = { service: 'ahead', host: 'h', pid: 1 };
    const at = new Date(Date.now() + 3_600_000).toISOString();
    const ahead = { id: 'ahead', at, process: process_, type: 'audit', text: 'Ahead.' };
    await direct.xadd(commonReportKeys('lock').events, '*', 'e', JSON.stringify(ahead));
    await lines.wrote('Ahead.');
    await reports.audit({ type: 'audit', text: 'The last one.' });
    await lines.wrote('The last one.');
    const told = objectsOf(lines.out).flatMap(({ event, name }) =>
      event === 'audit' && name !== undefined ? [name] : [],
    );
    expect(told).toEqual(others.map((i) => `n${i}`));
    lines.child.kill('SIGINT');
    expect(await lines.ended()).toMatchObject({ code: 0, err: '' });
    expect(objectsOf(lines.out)).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ type: 'held', name: 'watched', kind: 'lock' }),
        expect.objectContaining({ type: 'freed', fencingToken: lock.fencingToken }),
        expect.objectContaining({ type: 'event', event: 'forced', name: 'watched' }),
      ]),
    );
    screen.child.stdin!.write('\u0003');
    expect(await screen.ended()).toMatchObject({ code: 0 });
    expect(screen.out).toContain('acquired/s');
  });
});

describe('doctor', () => {
  it('says what to change, in colour on a terminal', async () => {
    const [json, plain, coloured, uncoloured] = await Promise.all([
      ofServer('doctor', '--json', '--timeout', '20s'),
      ofServer('doctor', '--timeout', '20s'),
      CommandRun.onTerminal(['doctor', '--timeout', '20s'], { REDIS_URL: url }).ended(),
      CommandRun.onTerminal(['doctor', '--timeout', '20s'], {
        REDIS_URL: url,
        NO_COLOR: '1',
      }).ended(),
    ]);
    expect([json.code, plain.code]).toEqual([1, 1]);
    expect(objectsOf(json.out)).toMatchObject([
      {
        status: 'warn',
        findings: expect.arrayContaining([
          expect.objectContaining({ code: 'persistence', severity: 'warn' }),
          expect.objectContaining({ code: 'hand-overs', severity: 'ok' }),
        ]),
        servers: [{ role: 'master', evictionPolicy: 'noeviction', missing: [], error: null }],
        handOvers: { how: 'push', error: null },
      },
    ]);
    expect(plain.out).toMatch(/ {2}warn {2}keeps nothing over a restart.*\n {8}→ CONFIG SET/);
    expect(plain.out).not.toContain('\u001b');
    expect(coloured.out).toContain('\u001b[33mwarn');
    expect(uncoloured.out).not.toContain('\u001b[');
  });

  it('says what it may not look at, to a user with no more rights than locks need', async () => {
    const rights = documentedRights().filter((right) => right !== '+info');
    const user = ['least', 'on', '>geheim', '~lock:*', '&lock:*', '-@all', '+hello', '+client'];
    await direct.call('ACL', 'SETUSER', ...user, ...rights);
    const env = { REDIS_URL: url, REDIS_USERNAME: 'least', REDIS_PASSWORD: 'geheim' };
    const { code, out } = await command(['doctor', '--timeout', '20s'], env);
    expect(code).toBe(1);
    expect(out).toMatch(
      /warn {2}does not tell of itself \(INFO\).*\n.*→ ACL SETUSER <user> \+info/,
    );
    expect(out).toContain('ok    allows all that the module does');
    expect(out).not.toContain('Nothing is to be changed');
    const check = await (
      await lockService({ redis: url.replace('//', '//least:geheim@'), reports: false })
    ).check();
    expect(check).toMatchObject({
      status: 'ok',
      findings: expect.arrayContaining([expect.objectContaining({ code: 'info', severity: 'ok' })]),
    });
  });

  it('has nothing to say where all is well, and ends otherwise where nothing is', async () => {
    await direct.config('SET', 'appendonly', 'yes');
    const [well, gone] = await Promise.all([
      ofServer('doctor', '--timeout', '20s'),
      command(['doctor', '--redis', 'redis://:geheim@127.0.0.1:1']),
    ]);
    await direct.config('SET', 'appendonly', 'no');
    expect(well.out).toContain('Nothing is to be changed.');
    expect(well.code).toBe(0);
    expect(gone.code).toBe(2);
    expect(gone.out).toContain('fail  cannot be reached (ECONNREFUSED)');
    expect(gone.out + gone.err).not.toContain('geheim');
  });
});

describe('what cannot be done', () => {
  it.each([
    [['frobnicate'], "unknown command 'frobnicate'"],
    [['list', '--redis', 'redis://:geheim@127.0.0.1:1', '--timeout', '500ms'], 'cannot be reached'],
    // The client of a Cluster must not keep the process.
    [['list', '--cluster', '--prefix', '{'], '--prefix is "{"'],
  ])('is told without a stack: %j', async (args, message) => {
    const { code, out, err } = await command(args);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain(message);
    expect(err).not.toMatch(/\n {4}at |geheim/);
  });

  const tools = {
    terminal: terminalOf(),
    version: '0',
    stopped: new AbortController().signal,
  };
  it.each([
    [['list', '--limit', 'x'], '--limit is "x"; write a whole number'],
    [['list', '--redis', 'http://:geheim@h'], '--redis is no Redis URL'],
    [['list', '--redis', 'redis://:geheim@h/abc'], '--redis names the database "abc"'],
    [['list', '--redis', 'redis://:100%@h'], 'a % that stands for nothing'],
    [['list', '--redis', 'redis://h/1', '--cluster'], 'has the database 0 only'],
    [['watch', '--limit', 'x'], '--limit is "x"; write a whole number'],
    [['list', '--redis', 'redis://a:1', '--redis', 'redis://b:1'], '--redis names 2 servers'],
    [['list', '--cluster', '--sentinel', 'a'], 'only one can be meant'],
    [['list', '--timeout', 'soon'], '--timeout is "soon"'],
    [['list', '--prefix', '{'], '--prefix is "{"'],
    [['list', '--sentinel', ''], '--sentinel is ""'],
    [['list', '--redis', 'redis://:geheim%zz@h'], 'a % that stands for nothing'],
    [['inspect', ''], 'empty'],
  ])('is refused: %j', async (args, message) => {
    const error = toCommandError(await errorOf(runProgram([...args], tools)));
    expect(error).toBeInstanceOf(CommandError);
    expect(error.message).toContain(message);
    expect(error.message).not.toContain('geheim');
  });
});

it('does not look into another database than the one that is meant', async () => {
  await direct.set('marker', '1');
  for (const args of [['list'], ['doctor'], ['release', 'a', '--token', '1', '--yes']]) {
    const { code, out, err } = await command([...args, '--redis', `${url}/99`]);
    expect([args, code, out]).toEqual([args, 2, '']);
    expect(err).toContain('does not let this database be used');
    expect(err).toContain('ERR DB index is out of range');
  }
});

it('tells that a server gives no answer as that', async () => {
  const other = await RedisServer.start();
  afterTest(() => other.stop());
  other.pause();
  const { code, err } = await command(['list', '--redis', other.url, '--timeout', '300ms']);
  expect(code).toBe(2);
  expect(err).toContain('gives no answer');
  expect(err).not.toContain('cannot be written to');
});

it('takes a password from the environment', async () => {
  await direct.call('ACL', 'SETUSER', 'looker', 'on', '>geheim', '~*', '&*', '+@all');
  const env = { REDIS_URL: url, REDIS_USERNAME: 'looker', REDIS_PASSWORD: 'geheim' };
  const [right, wrong] = await Promise.all([
    command(['inspect', 'a'], env),
    command(['inspect', 'a'], { ...env, REDIS_PASSWORD: 'falsch' }),
  ]);
  expect(right).toMatchObject({ code: 1, err: '' });
  expect(wrong.code).toBe(2);
  expect(wrong.err).toContain('refuses the user or the password');
  expect(wrong.err).not.toContain('falsch');
});

it('looks on at the nodes of a quorum, and changes nothing there', async () => {
  const nodes = await RedisNodes.start(3);
  afterTest(() => nodes.stop());
  const look = new NodeLook(nodes.servers);
  const args = nodes.urls.flatMap((each) => ['--redis', each]);
  // Nodes that nobody has used yet: whoever looks on must not mark them.
  const blank = await command(['doctor', ...args]);
  expect(blank.code).toBe(2);
  expect(blank.out).toContain('0 of 3 nodes vote, and 2 are needed');
  expect(blank.out).toContain('is new, and does not vote yet');
  expect(await look.markers()).toEqual([null, null, null]);

  const locks = await lockService({ nodes: nodes.urls, ttl: '10s', firstDeployment: true });
  await untilAllVote(locks);
  const lock = await locks.acquire('a');
  const markers = await look.markers();
  const [inspected, examined] = await Promise.all([
    command(['inspect', 'a', '--json', '--timeout', '20s', ...args]),
    command(['doctor', '--timeout', '20s', ...args]),
  ]);
  expect(objectsOf(inspected.out)).toMatchObject([
    { name: 'a', holders: [{ fencingToken: lock.fencingToken, nodes: { all: 3 } }] },
  ]);
  expect(examined.out).toContain('3 of 3 nodes vote, and 2 are needed');
  expect(examined.code).toBe(0);
  expect(await look.markers()).toEqual(markers);
});
