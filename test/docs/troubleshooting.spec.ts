import { beforeAll, describe, expect, it } from '@jest/globals';
import * as library from 'nestjs-locker';
import { LockError, Locked, type LockModuleOptions, lockProblemOf } from 'nestjs-locker';
import * as fencing from 'nestjs-locker/fencing';
import { TestLockStore } from 'nestjs-locker/testing';
import { errorOf, lockApp, lockService } from '../support/lock-service.js';
import { read } from './support/markdown.js';

const PAGE = 'docs/troubleshooting.md';
const { FenceColumn, assertFenced } = fencing;

interface Section {
  readonly code: string | undefined;
  readonly status: number | undefined;
  /** What is quoted, where … stands for anything. */
  readonly message: RegExp | undefined;
}

const escaped = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/]/g, String.raw`\$&`);
const sections = new Map<string, Section>();
for (const text of read(PAGE).split(/^## /m).slice(1)) {
  const [heading = ''] = text.split('\n');
  const quote = /^> (.+)$/m.exec(text)?.[1];
  sections.set(heading, {
    code: /^`([A-Z_]+)` · /m.exec(text)?.[1],
    status: Number(/^`[A-Z_]+` · .*?HTTP (\d+)/m.exec(text)?.[1]) || undefined,
    message:
      quote === undefined
        ? undefined
        : new RegExp(`^${quote.split('…').map(escaped).join('.*')}$`, 's'),
  });
}

type Errors = Record<string, new (...args: never[]) => Error>;
const isError = ([, value]: [string, unknown]): boolean =>
  typeof value === 'function' && value.prototype instanceof Error;
const exported = Object.fromEntries(
  Object.entries({ ...library, ...fencing }).filter(isError),
) as Errors;

class InvoiceService {
  @Locked('invoice:<id>')
  async issue(id: string): Promise<string> {
    return id;
  }
}

/** Each as it comes about. */
const PROVOKED: Readonly<Record<string, () => Promise<unknown>>> = {
  LockBusyError: async () => {
    const { locks } = await busy();
    return locks.acquire('invoice:42', { wait: 0 });
  },
  LockTimeoutError: async () => {
    const { locks, store } = await busy();
    const refused = errorOf(locks.acquire('invoice:42'));
    await store.clock.advance('5s');
    throw await refused;
  },
  LockAbortedError: async () => {
    const { locks } = await busy();
    return locks.acquire('invoice:42', { signal: AbortSignal.abort() });
  },
  LockStoreError: async () => {
    const { locks, store } = await testLocks();
    store.fail('acquire');
    return locks.acquire('invoice:42');
  },
  LockLostError: async () => {
    const locks = await lockService({ store: 'memory' });
    return locks.withLock('invoice:42', () => locks.forceRelease('invoice:42'));
  },
  LockReleasedError: async () => {
    const { locks } = await testLocks();
    const lock = await locks.acquire('invoice:42');
    await lock.release();
    lock.assertHeld();
  },
  LockNotHeldError: async () => (await testLocks()).locks.assertHeld('invoice:42'),
  LockReentryError: async () => {
    const { locks } = await testLocks();
    const again = () => locks.withLock('invoice:42', () => 1, { reentrant: false });
    return locks.withLock('invoice:42', again);
  },
  LockDrainingError: async () => {
    const app = await lockApp({ store: 'memory' });
    const locks = app.get(library.LockService);
    await app.close();
    return locks.acquire('invoice:42');
  },
  StaleFencingTokenError: async () => assertFenced(0, 'invoice:42', 7),
  FencedRowMissingError: async () => {
    const column = new FenceColumn({ dialect: 'postgres', table: 'invoice' });
    return column.assertFence(async () => [], 42, 7);
  },
  OutcomeUnknownError: async () => {
    const { locks } = await testLocks();
    const cutOff = () => Promise.reject(new Error('cut off'));
    await errorOf(locks.once('invoice:42', cutOff, { unknownIf: () => true, onUnknown: 'hold' }));
    return locks.once('invoice:42', cutOff, { onUnknown: 'hold' });
  },
  FingerprintError: async () => {
    const { locks } = await testLocks();
    await locks.once('payment:42', async () => 1, { fingerprint: 500 });
    return locks.once('payment:42', async () => 1, { fingerprint: 900 });
  },
  ResultNotStoredError: async () => {
    const { locks } = await testLocks();
    return locks.once('report:2026', async () => 'long', { storeResult: { maxBytes: 1 } });
  },
  LockKeyError: async () => (await testLocks()).locks.acquire(''),
  LockOptionsError: async () => testLocks({ ttl: -1 }),
  LockServiceMissingError: async () => new InvoiceService().issue('42'),
  FencingTokenMissingException: async () => {
    throw new fencing.FencingTokenMissingException();
  },
  FencingTokenMalformedException: async () => {
    throw new fencing.FencingTokenMalformedException('seven');
  },
};

async function testLocks(options: LockModuleOptions = {}) {
  const store = new TestLockStore();
  return { store, locks: await lockService({ ...options, store }) };
}

async function busy() {
  const made = await testLocks();
  await made.store.busy('invoice:42');
  return made;
}

describe('the page about errors', () => {
  it('has a section for each class that the package exports', () => {
    expect(Object.keys(exported).length).toBeGreaterThan(15);
    for (const name of Object.keys(exported)) expect([...sections.keys()]).toContain(name);
  });

  it('has sections for no others', () => {
    const others = [...sections.keys()].filter((name) => !(name in exported));
    expect(others).toEqual(['Other symptoms']);
  });

  const concrete = Object.keys(exported).filter((name) => name !== 'LockError');
  describe.each(concrete)('on %s', (name) => {
    let error: Error;
    beforeAll(async () => {
      error = (await errorOf(PROVOKED[name]!())) as Error;
    });

    it('tells of the error that comes about', () => expect(error.constructor.name).toBe(name));

    it('tells its code', () => {
      const code = 'extensions' in error ? codeOfException(error) : (error as LockError).code;
      expect(sections.get(name)!.code).toBe(code);
    });

    it('quotes its message', () => expect(error.message).toMatch(sections.get(name)!.message!));

    it('tells what HTTP clients get', () => {
      const status = 'getStatus' in error ? statusOf(error) : (lockProblemOf(error)?.status ?? 500);
      expect(sections.get(name)!.status).toBe(status);
    });
  });
});

const codeOfException = (error: Error): string =>
  (error as unknown as { extensions: { code: string } }).extensions.code;
const statusOf = (error: Error): number =>
  (error as unknown as { getStatus(): number }).getStatus();
