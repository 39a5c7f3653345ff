import { AsyncResource } from 'node:async_hooks';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import {
  type Lock,
  Locked,
  LockKeyError,
  LockLostError,
  LockNotHeldError,
  LockOptionsError,
  LockService,
} from 'nestjs-locker';
import { TestLockStore } from 'nestjs-locker/testing';
import { Deferred, lockApp, lockService } from '../support/lock-service.js';

@Injectable()
class InvoiceService {
  constructor(private readonly locks: LockService) {}

  @Locked('invoice:<id>')
  async issue(id: number): Promise<Lock | undefined> {
    await Promise.resolve();
    return this.locks.current(`invoice:${id}`);
  }
}

describe('current()', () => {
  let store: TestLockStore;
  let locks: LockService;
  beforeEach(async () => {
    store = new TestLockStore();
    locks = await lockService({ store });
  });

  it('is the lock that the work runs under, at any depth of its calls', async () => {
    const deep = async () => {
      await Promise.resolve();
      await new Promise((resolve) => setImmediate(resolve));
      return locks.current();
    };
    await locks.withLock('a', async (lock) => {
      expect(locks.current()).toBe(lock);
      expect(await deep()).toBe(lock);
      expect(locks.current('a')).toBe(lock);
      expect(locks.current('b')).toBeUndefined();
    });
    expect(locks.current()).toBeUndefined();
  });

  it('is the lock of a decorated method', async () => {
    const app = await lockApp({ store, providers: [InvoiceService] });
    const lock = await app.get(InvoiceService).issue(42);
    expect(lock).toMatchObject({ name: 'invoice:42', isReleased: true });
  });

  it('is the innermost of nested locks, and each by its name', async () => {
    await locks.withLock('a', async (a) => {
      await locks.withLock('b', async (b) => {
        expect(locks.current()).toBe(b);
        expect(locks.current('a')).toBe(a);
        expect(locks.current('b')).toBe(b);
      });
      expect(locks.current()).toBe(a);
      expect(locks.current('b')).toBeUndefined();
    });
  });

  it('skips an inner lock that was given back early', async () => {
    await locks.withLock('a', (a) =>
      locks.withLock('b', async (b) => {
        await b.release();
        expect(locks.current()).toBe(a);
        expect(locks.current('b')).toBeUndefined();
      }),
    );
  });

  it('is seen by its own context only', async () => {
    const bothHold = new Deferred();
    let holding = 0;
    const work = async (lock: Lock) => {
      if (++holding === 2) bothHold.resolve();
      await bothHold.promise;
      expect(locks.current()).toBe(lock);
      return locks.current(lock.name === 'a' ? 'b' : 'a');
    };
    const others = [locks.withLock('a', work), locks.withLock('b', work)];
    expect(locks.current()).toBeUndefined();
    expect(await Promise.all(others)).toEqual([undefined, undefined]);
  });

  it('is nothing in a context that outlives its lock', async () => {
    const over = new Deferred();
    let late!: Promise<(Lock | undefined)[]>;
    await locks.withLock('a', () => {
      late = over.promise.then(() => [locks.current(), locks.current('a')]);
    });
    over.resolve();
    expect(await late).toEqual([undefined, undefined]);
  });

  it('is the lost lock until its work has ended, and nothing after', async () => {
    const over = new Deferred();
    let late!: Promise<Lock | undefined>;
    const call = locks.withLock('a', async (lock) => {
      late = over.promise.then(() => locks.current());
      await store.forceLose('a');
      expect(locks.current()).toBe(lock);
      expect(locks.current()!.signal.aborted).toBe(true);
    });
    await expect(call).rejects.toThrow(LockLostError);
    over.resolve();
    expect(await late).toBeUndefined();
  });

  it('is not marked by a bare acquire', async () => {
    const lock = await locks.acquire('a');
    expect(locks.current()).toBeUndefined();
    await locks.withLock('b', async (b) => {
      await locks.acquire('c');
      expect(locks.current()).toBe(b);
      expect(locks.current('c')).toBeUndefined();
    });
    await lock.release();
  });

  it('is not carried into a context from outside', async () => {
    const outside = new AsyncResource('outside');
    await locks.withLock('a', () => {
      expect(outside.runInAsyncScope(() => locks.current())).toBeUndefined();
    });
  });

  it('belongs to its service', async () => {
    const others = await lockService({ store: new TestLockStore() });
    await locks.withLock('a', () => {
      expect(others.current()).toBeUndefined();
    });
  });
});

describe('assertHeld(name)', () => {
  let locks: LockService;
  beforeEach(async () => {
    locks = await lockService({ store: new TestLockStore() });
  });

  it('gives the lock that the call runs under', async () => {
    await locks.withLock('a', async (lock) => {
      expect(locks.assertHeld('a')).toBe(lock);
    });
    await locks.withLock(['a', 'b'], async (lock) => {
      expect(locks.assertHeld('b')).toBe(lock);
    });
  });

  it('refuses a call that runs under none, and says what to do', async () => {
    await using _other = await locks.acquire('a'); // marks no context
    expect(() => locks.assertHeld('a')).toThrow(
      'The lock "a" is needed here, and nothing around this call holds it. ' +
        'Call this within locks.withLock(name, …) or a @Locked method.',
    );
    await locks.withLock('b', () => {
      expect(() => locks.assertHeld('a')).toThrow(LockNotHeldError);
    });
  });

  it('is content with a shared lock only where that is said', async () => {
    await locks.withLock(
      'a',
      (lock) => {
        expect(() => locks.assertHeld('a')).toThrow(LockNotHeldError);
        expect(locks.assertHeld('a', { mode: 'shared' })).toBe(lock);
      },
      { mode: 'shared' },
    );
  });

  it('refuses what is no name and no mode', () => {
    expect(() => locks.assertHeld('')).toThrow(LockKeyError);
    expect(() => locks.assertHeld('a', { mode: 'any' as 'shared' })).toThrow(LockOptionsError);
    expect(() => locks.assertHeld('a', { wait: 1 } as object)).toThrow(LockOptionsError);
  });
});

describe('a function that needs a lock', () => {
  const book = (lock: Lock): number => {
    lock.assertHeld();
    return lock.fencingToken;
  };

  it('asks for it as a value, which only the service can make', async () => {
    const locks = await lockService({ store: new TestLockStore() });
    const token = await locks.withLock('a', (lock) => book(lock));
    expect(token).toBeGreaterThan(0);

    const lookalike = { name: 'a', fencingToken: 1, isHeld: true, assertHeld: () => undefined };
    // @ts-expect-error: what looks like a lock is none
    expect(book(lookalike)).toBe(1);
    // @ts-expect-error: neither is none at all
    expect(() => book(undefined)).toThrow(TypeError);
  });
});
