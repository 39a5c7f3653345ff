import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { Redis } from 'ioredis';
import { Job, JobLockManager, LockService } from 'nestjs-locker';
import { recordKeyOf } from '../../lib/stores/redis/redis-keys.js';
import { Child } from '../support/child-process.js';
import {
  type CrashPoint,
  commandsOf,
  ENDS,
  foundAfter,
  POINTS,
  WAYS,
} from '../support/crash-points.js';
import { lockKeys } from '../support/lease-end.js';
import { lockApp, watch } from '../support/lock-service.js';
import { queueOf } from '../support/queue.js';
import { RedisServer } from '../support/redis-server.js';
import { until } from '../support/until.js';

jest.setTimeout(90_000);

const TTL = 2_000;
const PROGRAM = new URL('./fixtures/once-crash.ts', import.meta.url);
const JOB = new Job({ name: 'crash', ttl: '10 minutes', onUnknown: 'hold' });

const idOf = (name: string) => name.slice('crash:'.length);

let server: RedisServer;
let direct: Redis;
let locks: LockService;
let manager: JobLockManager;
beforeAll(async () => {
  server = await RedisServer.start();
  direct = server.client();
});
afterAll(() => server.stop());

async function start(): Promise<void> {
  const app = await lockApp({ redis: server.url });
  [locks, manager] = [app.get(LockService), app.get(JobLockManager)];
}

/** Leaves behind what a process does that dies when it has just begun. */
async function leaveUnknown(name: string): Promise<void> {
  expect(await manager.lock(JOB, idOf(name))).toBe(true);
  await locks.forceRelease(name);
  expect(await manager.unlock(JOB, idOf(name))).toBe('expired');
}

/** Ends the work that was in the way, once the child waits for it or is stopped. */
async function endWaitedFor(child: Child, { way, name, when, n }: CrashPoint): Promise<void> {
  // The question is sent at the very end, and is to find that somebody is at it.
  if (when === 'sent' && n === 1) await child.exit();
  const stopped = watch(child.told(`stopped:${name}`));
  const waits = async () =>
    (await direct.hvals(lockKeys(name).waiters)).some((entry) => entry.includes(':hand-over:'));
  await until(async () => stopped.settled || (await waits()), {
    what: `${name} is waited for`,
    timeoutMs: 30_000,
  });
  if (way === 'waitsForSuccess') await manager.successfullyProcessed(JOB, idOf(name));
  else await manager.unlock(JOB, idOf(name));
}

/** Has a child go on to these points, and tells its exit code: `null` if it was killed there. */
async function run(points: readonly CrashPoint[]): Promise<{ child: Child; code: number | null }> {
  const waiters = points.filter(({ way }) => way.startsWith('waits'));
  for (const { name } of waiters) expect(await manager.lock(JOB, idOf(name))).toBe(true);
  for (const { way, name } of points) {
    if (foundAfter(way, 0) === 'unknown 0') await leaveUnknown(name);
  }
  const child = Child.start(PROGRAM, server.url, String(TTL), JSON.stringify(points));
  await Promise.all(waiters.map((point) => endWaitedFor(child, point)));
  const { code, errors } = await child.exit();
  expect(errors).toBe('');
  return { child, code };
}

const timesDone = (name: string) => direct.llen(`authority:${name}`);
async function find(name: string): Promise<string> {
  await until(async () => (await locks.inspect(name)) === null, { what: `${name} has no lease` });
  const record = await locks.outcomes.of(name);
  return `${record?.state ?? 'open'} ${await timesDone(name)}`;
}

const found: Record<string, string> = {};
const findAll = async (points: readonly CrashPoint[]) => {
  for (const { name } of points) found[name] = await find(name);
};

describe('a process that does things once', () => {
  it('sends these commands, and no others, that it could be killed between', async () => {
    await start();
    const { child, code } = await run(ENDS);
    expect(code).toBe(0);
    for (const { way, name } of ENDS) {
      const [end] = WAYS[way]!;
      expect(await child.told(`ended:${name}`)).toMatchObject({ end, commands: commandsOf(way) });
    }
    await findAll(ENDS);
  });

  it('is killed when it has come to each crash point with something', async () => {
    await start();
    const { child, code } = await run(POINTS);
    expect(code).toBeNull();
    for (const { name } of POINTS) await child.told(`stopped:${name}`);
    await findAll(POINTS);
  });
});

describe.each(Object.keys(WAYS))('what was done once, and was interrupted (%s)', (way) => {
  const points = [...POINTS, ...ENDS].filter((point) => point.way === way);

  it('is open, unknown or processed, as fits to what was done', () => {
    const expected = points.map(({ name, when, n }) => {
      const [without, withIt] = [foundAfter(way, n - 1)!, foundAfter(way, n)!];
      // Whether what was sent has arrived, nobody knows.
      const may = when === 'sent' ? [without, withIt] : [when === 'before' ? without : withIt];
      return [name, may.includes(found[name]!) ? found[name] : may.join(' or ')] as const;
    });
    expect(points.map(({ name }) => [name, found[name]])).toEqual(expected);
  });

  it('is done by nobody, done again, or resolved, as it is decided', async () => {
    await start();
    for (const { name } of points) {
      expect([name, await goOn(name, found[name]!)]).toEqual([name, wayOn(found[name]!)]);
    }
  });
});

describe('what was interrupted and went on', () => {
  it('is listed and counted as it ended', async () => {
    await start();
    const processed: string[] = [];
    for await (const { name } of locks.outcomes.list('crash')) processed.push(name);
    expect(processed.sort()).toEqual(Object.keys(found).sort());
    const counts = { processed: processed.length, running: 0, unknown: 0 };
    expect(await manager.count(JOB)).toEqual(counts);
  });
});

/** Tries each way to go on from the same state: held back, resolved both ways, and done again. */
async function goOn(name: string, before: string): Promise<object> {
  const done = Number(before.split(' ')[1]);
  const key = recordKeyOf('lock', name);
  const record = await direct.dumpBuffer(key);
  const asBefore = async (): Promise<void> => {
    await direct.del(key, `authority:${name}`);
    if (record) await direct.restore(key, 0, record);
    for (let i = 0; i < done; i++) await direct.rpush(`authority:${name}`, 'before');
  };
  const work = () => direct.rpush(`authority:${name}`, 'after');
  const once = async (onUnknown: 'retry' | 'hold') => {
    // A place in the queue of a process that is dead is passed over.
    const call = locks.once(name, work, { onUnknown, wait: '20s' });
    const end = await call.then(
      ({ status }) => status,
      ({ code }: { code: string }) => code,
    );
    return [end, await find(name)];
  };
  const resolved = async (decision: 'processed' | 'retry') => {
    await asBefore();
    const isResolved = await locks.outcomes.resolve(name, decision);
    return [isResolved, await find(name), ...(await once('hold'))];
  };

  const held = await once('hold');
  // Of one with a tag no element of this job has the name.
  const isLocked = JOB.nameOf(idOf(name)) === name && (await manager.lock(JOB, idOf(name)));
  const [processed, retry] = [await resolved('processed'), await resolved('retry')];
  await asBefore();
  const again = await once('retry');
  const { attempts } = (await locks.outcomes.of(name))!;
  const lastAttempts = attempts.slice(-2).map(({ outcome }) => outcome);
  return { held, isLocked, processed, retry, again, lastAttempts };
}

/** What `goOn` is to find. */
function wayOn(before: string): object {
  const [state, done] = before.split(' ') as [string, string];
  const isLocked = false;
  const more = `processed ${Number(done) + 1}`;
  if (state === 'unknown') {
    return {
      held: ['LOCK_OUTCOME_UNKNOWN', before],
      isLocked,
      processed: [true, `processed ${done}`, 'replayed', `processed ${done}`],
      retry: [true, `open ${done}`, 'executed', more],
      again: ['executed', more],
      lastAttempts: ['unknown', 'processed'],
    };
  }
  const once = state === 'open' ? ['executed', more] : ['replayed', before];
  const [processed, retry] = [
    [false, before, ...once],
    [false, before, ...once],
  ];
  const nobodyAtIt: unknown = expect.not.arrayContaining(['running']);
  const lastAttempts = state === 'open' ? ['processed'] : nobodyAtIt;
  return { held: once, isLocked, processed, retry, again: once, lastAttempts };
}

describe('a process that is killed while it waits to do something once', () => {
  it.each([
    ['failed', 'open 0'],
    ['succeeded', 'processed 0'],
  ])('is passed over when who was at it has %s', async (how, left) => {
    await start();
    const name = `crash:waits-until-${how}`;
    expect(await manager.lock(JOB, idOf(name))).toBe(true);
    const plan = JSON.stringify([{ way: 'waitsForFailure', name, when: 'before', n: 99 }]);
    const child = Child.start(PROGRAM, server.url, String(TTL), plan);
    await queueOf(direct, name, 1);
    await child.kill();
    if (how === 'failed') await manager.unlock(JOB, idOf(name));
    else await manager.successfullyProcessed(JOB, idOf(name));
    expect(await find(name)).toBe(left);
    expect(await goOn(name, left)).toEqual(wayOn(left));
  });
});
