import { beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  Job,
  Lock,
  Locked,
  LockError,
  LockModule,
  LockOptionsError,
  type LockService,
  WithPermit,
} from 'nestjs-locker';
import { FencedScript, FenceGuard } from 'nestjs-locker/fencing';
import { LockDashboardModule } from 'nestjs-locker/dashboard';
import { TestLockStore } from 'nestjs-locker/testing';
import { lockService } from '../support/lock-service.js';
import { anyOptions, anyValue, outcomeOf, runs } from './support/fuzzing.js';

/** Whatever types say. */
type Loose = (...args: any[]) => any;

const ACQUIRE =
  'ttl wait signal maxHold minHold mode reentrant minReplicas onWaiting renew label'.split(' ');
const ONCE = ['retention', 'storeResult', 'fingerprint', 'onUnknown', 'job', ...ACQUIRE];
const HELD = ['kind', 'search', 'cursor', 'limit'];

let locks: LockService;
let store: TestLockStore;
beforeEach(async () => {
  store = new TestLockStore();
  locks = await lockService({ store });
});

/** Calls of the service by what they are given: a value, and options of theirs. */
const CALLS: [string, string[], (value: any, options: any) => unknown][] = [
  ['acquire', ACQUIRE, (_, options) => locks.acquire('a', options)],
  ['acquire of a name', [], (name) => locks.acquire(name)],
  ['tryAcquire', ACQUIRE, (name, options) => locks.tryAcquire(name, options)],
  ['withLock', ACQUIRE, (_, options) => locks.withLock('a', () => 1, options)],
  [
    'withLock of work',
    ['compensate'],
    (work, options) => locks.withLock('a', typeof work === 'function' ? () => 1 : work, options),
  ],
  ['once', ONCE, (_, options) => locks.once('a', () => 1, options)],
  ['once of a name', [], (name) => locks.once(name, () => 1)],
  ['semaphore', [], (permits) => locks.semaphore('s', permits).tryAcquire()],
  ['semaphore of a name', [], (name) => locks.semaphore(name, 2)],
  [
    'semaphore.acquire',
    ['count', ...ACQUIRE],
    (_, options) => locks.semaphore('s', 2).acquire(options),
  ],
  [
    'semaphore.tryAcquire',
    ['count', ...ACQUIRE],
    (_, options) => locks.semaphore('s', 2).tryAcquire(options),
  ],
  [
    'semaphore.withPermit',
    ['count', ...ACQUIRE],
    (_, options) => locks.semaphore('s', 2).withPermit(() => 1, options),
  ],
  ['semaphore.forceRelease', [], (token) => locks.semaphore('s', 2).forceRelease(token)],
  ['attach', [], (text) => locks.attach(text)],
  ['inspect', [], (name) => locks.inspect(name)],
  ['forceRelease', [], (name) => locks.forceRelease(name)],
  ['assertHeld', ['mode'], (name, options) => locks.assertHeld(name, options)],
  ['current', ['mode'], (name, options) => locks.current(name, options)],
  ['check', ['thorough', 'signal'], (_, options) => locks.check(options)],
  ['overview.held', HELD, (_, options) => locks.overview.held(options)],
  [
    'overview.queueOf',
    ['name', 'kind'],
    (limit, subject) => locks.overview.queueOf(subject, limit),
  ],
  ['overview.events', [], (limit) => locks.overview.events(limit)],
  ['overview.audit', ['actor', 'text', 'name'], (_, entry) => locks.overview.audit(entry)],
  ['outcomes.of', [], (name) => locks.outcomes.of(name)],
  [
    'outcomes.resolve',
    ['fencingToken', 'retention'],
    (decision, options) => locks.outcomes.resolve('a', decision, options),
  ],
  [
    'outcomes.page',
    ['state', 'cursor'],
    (job, options) => (locks.outcomes.page as Loose)(job, options),
  ],
  [
    'outcomes.list',
    ['state'],
    (job, options) => (locks.outcomes.list as Loose)(job, options).next(),
  ],
  ['outcomes.resolve of a name', [], (name) => locks.outcomes.resolve(name, 'retry')],
  ['once of work', [], (work) => locks.once('a', typeof work === 'function' ? () => 1 : work)],
  [
    'withPermit of work',
    [],
    (work) => locks.semaphore('s', 2).withPermit(typeof work === 'function' ? () => 1 : work),
  ],
  ['outcomes.count', [], (job) => locks.outcomes.count(job)],
  ['outcomes.clear', [], (state) => locks.outcomes.clear('job', state)],
  ['outcomes.clear of a job', [], (job) => locks.outcomes.clear(job, 'unknown')],
  ['lock.extend', [], async (ttl) => (await locks.acquire('extended')).extend(ttl)],
];

/** What is checked when a class, a module or an object is made. */
const DEFINITIONS: [string, string[], (value: any, options: any) => unknown][] = [
  [
    '@Locked',
    ['once', 'onBusy', 'compensate', 'retry', 'using', 'returns', ...ACQUIRE],
    (_, options) => decorate(Locked('a:<id>', options)),
  ],
  ['@Locked of a key', [], (key) => decorate(Locked(key))],
  ['@Locked of keys', [], (key) => decorate(Locked([key, 'b']))],
  [
    '@WithPermit',
    ['permits', 'count', ...ACQUIRE],
    (key, options) => decorate(WithPermit(key, options)),
  ],
  [
    'Job',
    ['name', 'key', 'concurrency', 'onUnknown', 'retention', 'ttl'],
    (_, options) => new Job(options),
  ],
  [
    'LockModule.forRoot',
    [
      'redis',
      'nodes',
      'store',
      'ttl',
      'wait',
      'storeTimeout',
      'drainTimeout',
      'prefix',
      'service',
      'leakStacks',
      'reports',
      'isGlobal',
      'exceptionFilter',
      'name',
    ],
    (_, options) => LockModule.forRoot(options),
  ],
  [
    'LockModule.forRootAsync',
    ['useFactory', 'useClass', 'useExisting', 'inject', 'imports', 'name', 'isGlobal'],
    (_, options) => LockModule.forRootAsync(options),
  ],
  [
    'LockDashboardModule.forRoot',
    ['path', 'guards', 'imports', 'version', 'using', 'readOnly', 'actor', 'title', 'refresh'],
    (_, options) => LockDashboardModule.forRoot(options),
  ],
  ['FenceGuard', ['dialect', 'table'], (_, options) => new FenceGuard(options)],
  ['FencedScript', [], (source) => new FencedScript(source)],
];

function decorate(decorator: (target: any, key: any, descriptor: any) => unknown): unknown {
  class Service {
    async method(_id: string): Promise<void> {}
  }
  const descriptor = Object.getOwnPropertyDescriptor(Service.prototype, 'method');
  return decorator(Service.prototype, 'method', descriptor);
}

const argumentsOf = (keys: string[]) =>
  fc.tuple(anyValue, keys.length ? anyOptions(...keys) : fc.constant(undefined));

/** Options, all left out, that can be read so many times. */
function failingAfter(reads: number, keys: string[], error: Error): object {
  const read = <T>(value: T): T => {
    if (reads-- <= 0) throw error;
    return value;
  };
  const options = Object.fromEntries(keys.map((key) => [key, undefined]));
  return new Proxy(options, {
    get: () => read(undefined),
    has: () => read(true),
    ownKeys: () => read(keys),
    getOwnPropertyDescriptor: () => read({ enumerable: true, configurable: true }),
  });
}

/** What it throws or rejects with, if it does; a lock that it gives is given back. */
async function errorOf(call: () => unknown): Promise<unknown> {
  try {
    const given = await call();
    if (given instanceof Lock) await given.release();
    return undefined;
  } catch (error) {
    return error;
  }
}

describe('whatever is handed to', () => {
  it.each(CALLS)(
    '%s, it answers or fails as documented, and leaves nothing held',
    async (_, keys, call) => {
      const property = fc.asyncProperty(argumentsOf(keys), async ([value, options]) => {
        const { value: given } = await settle(outcomeOf(() => call(value, options)));
        if (given instanceof Lock) await given.release();
        for (const { name } of locks.held()) await locks.forceRelease(name);
        expect(({} as Record<string, unknown>)['ttl']).toBeUndefined();
      });
      await fc.assert(property, runs(60));
    },
  );

  it.each(CALLS.filter(([, keys]) => keys.length > 0))(
    '%s, what its options throw when they are read comes out, and leaves nothing held',
    async (_, keys, call) => {
      const property = fc.asyncProperty(fc.nat(40), async (reads) => {
        const thrown = new Error('read once too often');
        const options = failingAfter(reads, keys, thrown);
        const failed = await settle(errorOf(() => call('a', options)));
        expect(failed === undefined || failed === thrown || failed instanceof LockError).toBe(true);
        for (const { name } of locks.held()) await locks.forceRelease(name);
        const lock = await locks.tryAcquire('a');
        expect(lock?.isHeld).toBe(true);
        await lock!.release();
      });
      await fc.assert(property, runs(20));
    },
  );

  it.each(DEFINITIONS)('%s, it is taken or refused as documented', async (_, keys, define) => {
    const property = fc.asyncProperty(argumentsOf(keys), async ([value, options]) => {
      const { error } = await outcomeOf(() => void define(value, options));
      expect(error?.name ?? 'LockOptionsError').toMatch(/^Lock(Options|Key)Error$/);
    });
    await fc.assert(property, runs(150));
  });
});

/** What was no `LockError` once, or was refused too late. */
const FOUND: [string, () => unknown][] = [
  ['options that are a text', () => locks.tryAcquire('a', 'wait' as any)],
  ['options that are null', () => locks.tryAcquire('a', null as any)],
  ['options of withLock that are null', () => locks.withLock('a', () => 1, null as any)],
  ['options of once that are null', () => locks.once('a', () => 1, null as any)],
  ['work that is no function', () => locks.withLock('a', 1 as any)],
  [
    'a compensation that is no function',
    () => locks.withLock('a', () => 1, { compensate: 1 as any }),
  ],
  ['work of once that is no function', () => locks.once('a', 1 as any)],
  ['work under a permit that is no function', () => locks.semaphore('a', 1).withPermit(1 as any)],
  ['options of a semaphore that are null', () => locks.semaphore('a', 1).acquire(null as any)],
  ['a try of a semaphore with a text', () => locks.semaphore('a', 1).tryAcquire('wait' as any)],
  ['an outcome that is no record', () => locks.outcomes.resolve({ name: 'a' } as any, 'retry')],
  ['a list of null', () => locks.outcomes.list(null as any).next()],
  ['a queue of nothing', () => locks.overview.queueOf(undefined as any)],
  ['an audit of nothing', () => locks.overview.audit(null as any)],
  ['an asynchronous module of nothing', () => LockModule.forRootAsync(undefined as any)],
  ['an asynchronous module of no factory', () => LockModule.forRootAsync({})],
  ['a template that no name is as long as', () => decorate(Locked('a'.repeat(5_000)))],
];

it.each(FOUND)('%s is refused, and nothing is taken', async (_, call) => {
  const { error } = await outcomeOf(call);
  expect(error).toBeInstanceOf(LockOptionsError);
  expect(error!.message.length).toBeLessThan(500);
  expect(locks.held()).toEqual([]);
});

/** The clock stands still, and some options make a call wait by it. */
async function settle<T>(promise: Promise<T>): Promise<T> {
  let settled = false;
  const both = promise.finally(() => (settled = true));
  both.catch(() => undefined);
  await new Promise((resolve) => setImmediate(resolve));
  for (let turn = 0; turn < 50 && !settled; turn++) await store.clock.advance('1 minute');
  return both;
}
