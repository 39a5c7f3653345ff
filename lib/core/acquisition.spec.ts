import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import {
  LockAbortedError,
  LockBusyError,
  LockDrainingError,
  LockStoreError,
  LockTimeoutError,
} from '../lock.errors.js';
import { ManualClock } from '../testing/manual.clock.js';
import { TestLockStore } from '../testing/test-lock.store.js';
import type { ResolvedAcquireOptions } from './acquire-options.js';
import { Acquisition, type AcquisitionTools } from './acquisition.js';
import { BoundedStore } from './bounded-store.js';
import { LeaseCleaner } from './lease-cleaner.js';
import { LocalQueue } from './local-queue.js';

const TTL = 30_000;
const HOLDER = { service: 'billing', host: 'h', pid: 1 };

describe('Acquisition', () => {
  let clock: ManualClock;
  let store: TestLockStore;
  let tools: AcquisitionTools;
  let acquire: jest.SpiedFunction<TestLockStore['acquire']>;
  beforeEach(() => {
    clock = new ManualClock();
    store = new TestLockStore(clock);
    acquire = jest.spyOn(store, 'acquire');
    const bounded = new BoundedStore(store, clock, 2_000);
    const cleaner = new LeaseCleaner(bounded, clock);
    tools = { store: bounded, clock, queue: new LocalQueue(), cleaner, holder: HOLDER };
  });

  const acquisition = (options: Partial<ResolvedAcquireOptions> = {}) => {
    const defaults = { ttlMs: TTL, waitMs: 5_000, maxHoldMs: Infinity, renew: true };
    return new Acquisition(tools, 'a', { ...defaults, signal: undefined, ...options });
  };

  /** What it has come to by now. */
  const look = <T>(promise: Promise<T>) => {
    const seen: { value?: T; error?: unknown } = {};
    promise.then(
      (value) => (seen.value = value),
      (error: unknown) => (seen.error = error),
    );
    return seen;
  };

  /** The store's answers come so much later than what they tell has happened. */
  const answerLate = (ms: number) =>
    acquire.mockImplementationOnce(async (request) => {
      const reply = await TestLockStore.prototype.acquire.call(store, request);
      clock.freeze(ms);
      return reply;
    });

  it('grants from the moment before the command was sent', async () => {
    answerLate(1_500);
    const grant = await acquisition().wait();
    expect(grant).toMatchObject({ name: 'a', sentAt: 0, ttlMs: TTL, renew: true });
    expect(acquire).toHaveBeenCalledWith(
      expect.objectContaining({ owner: grant.owner, ttlMs: TTL, holder: HOLDER }),
    );
  });

  it('asks for no longer than maxHold', async () => {
    const grant = await acquisition({ maxHoldMs: 1_000 }).tryOnce();
    expect(acquire).toHaveBeenCalledWith(expect.objectContaining({ ttlMs: 1_000 }));
    expect(grant).toMatchObject({ ttlMs: TTL, maxHoldMs: 1_000 });
  });

  it('counts the ttl from the grant, not from before the wait', async () => {
    await store.busy('a');
    const waiting = look(acquisition({ ttlMs: 1_000, waitMs: Infinity }).wait());
    await clock.advance(10_000);
    await store.free('a');
    await clock.advance(500);
    expect(waiting.value!.sentAt).toBeGreaterThanOrEqual(10_000);
  });

  it('is a new owner each time', async () => {
    const owners = new Set<string>();
    for (let i = 0; i < 3; i++) {
      const { name, owner } = await acquisition().tryOnce();
      owners.add(owner);
      await store.release({ name, owner });
    }
    expect(owners.size).toBe(3);
  });

  it('gives back a grant that came too late to be worth anything, and asks anew as another', async () => {
    answerLate(1_200);
    const waiting = look(acquisition({ ttlMs: 1_000 }).wait());
    await clock.advance(0);
    await clock.advance(500);
    const [first, second] = acquire.mock.calls.map(([{ owner }]) => owner);
    expect(waiting.value).toMatchObject({ owner: second });
    expect(waiting.value!.sentAt).toBeGreaterThanOrEqual(1_200);
    expect(first).not.toBe(second);
    expect(await store.inspect('a')).not.toBeNull(); // the clean-up spares the second
  });

  it('does not call a name busy that the store granted too late', async () => {
    answerLate(1_200);
    await expect(acquisition({ ttlMs: 1_000, waitMs: 0 }).tryOnce()).rejects.toThrow(
      LockStoreError,
    );
    await clock.advance(0);
    expect(await store.inspect('a')).toBeNull();
  });

  it('refuses a busy name at once where it may not wait, and tells who has it', async () => {
    await store.busy('a');
    const call = acquisition({ waitMs: 0 }).tryOnce();
    await expect(call).rejects.toThrow(
      /^The lock "a" is held by somebody-else \(elsewhere, pid 1\)/,
    );
    await expect(call).rejects.not.toThrow(LockTimeoutError);
    expect(acquire).toHaveBeenCalledTimes(1);
  });

  it('asks until the wait has ended, and a last time then', async () => {
    await store.busy('a');
    const waiting = look(acquisition({ waitMs: 1_000 }).wait());
    await clock.advance(999);
    expect(waiting.error).toBeUndefined();
    await clock.advance(1);
    expect(waiting.error).toBeInstanceOf(LockTimeoutError);
    expect(waiting.error).toMatchObject({ waitedMs: 1_000, holder: { holder: { pid: 1 } } });
    expect(acquire.mock.calls.length).toBeLessThan(25);
    expect(tools.queue.isWaitedFor('a')).toBe(false);
  });

  it('asks soon after the lease in its way has ended', async () => {
    await store.acquire({ name: 'a', owner: 'crashed', ttlMs: 3_000, holder: HOLDER });
    const waiting = look(acquisition({ waitMs: Infinity }).wait());
    await clock.advance(3_200);
    expect(waiting.value).toBeDefined();
  });

  it('waits for longer than timers of Node can', async () => {
    await store.busy('a');
    acquisition({ waitMs: 2 ** 40 })
      .wait()
      .catch(() => undefined);
    const waiting = look(acquisition({ waitMs: 2 ** 40 }).wait());
    await clock.advance('10 minutes');
    expect(waiting.error).toBeUndefined();
    await store.free('a');
    await clock.advance(300);
    expect(waiting.value).toBeUndefined(); // the first of the two has it
  });

  it('has one caller ask for all', async () => {
    await store.busy('a');
    const waiting = Array.from({ length: 50 }, () => look(acquisition().wait()));
    await clock.advance(4_999);
    expect(acquire.mock.calls.length).toBeLessThan(60);
    await clock.advance(201);
    for (const { error } of waiting) expect(error).toBeInstanceOf(LockTimeoutError);
  });

  it('spreads its questions, so that processes do not ask all at once', async () => {
    await store.busy('a');
    const times: number[][] = [];
    for (let i = 0; i < 3; i++) {
      const start = clock.now();
      acquire.mockClear();
      const asked: number[] = [];
      acquire.mockImplementation((request) => {
        asked.push(clock.now() - start);
        return TestLockStore.prototype.acquire.call(store, request);
      });
      acquisition({ waitMs: 3_000 })
        .wait()
        .catch(() => undefined);
      await clock.advance(3_000);
      times.push(asked);
    }
    expect(times[0]).not.toEqual(times[1]);
    expect(times[1]).not.toEqual(times[2]);
  });

  describe('interrupted', () => {
    it.each(['wait', 'tryOnce'] as const)(
      'by a signal that has aborted, asks nothing (%s)',
      async (how) => {
        const reason = new Error('gone');
        const call = acquisition({ signal: AbortSignal.abort(reason) })[how]();
        await expect(call).rejects.toThrow(LockAbortedError);
        await expect(call).rejects.toMatchObject({ cause: reason });
        expect(acquire).not.toHaveBeenCalled();
        expect(tools.queue.isWaitedFor('a')).toBe(false);
      },
    );

    it('while it waits, leaves the queue to the next', async () => {
      await store.busy('a');
      const caller = new AbortController();
      const first = look(acquisition({ signal: caller.signal, waitMs: Infinity }).wait());
      const second = look(acquisition({ waitMs: Infinity }).wait());
      await clock.advance(100);
      await store.free('a');
      caller.abort();
      await clock.advance(0); // the next asks at once
      expect(first.error).toBeInstanceOf(LockAbortedError);
      expect(second.value).toBeDefined();
    });

    it('while the store hangs, is told at once, and cleans up behind itself', async () => {
      store.fail('acquire', { error: 'hang', applied: true });
      const caller = new AbortController();
      const call = look(acquisition({ signal: caller.signal }).wait());
      await clock.advance(0);
      expect(await store.inspect('a')).not.toBeNull();
      caller.abort();
      await clock.advance(0);
      expect(call.error).toBeInstanceOf(LockAbortedError);
      expect(await store.inspect('a')).toBeNull();
    });

    it('by a drain, keeps the first reason', async () => {
      await store.busy('a');
      const caller = new AbortController();
      const drained = acquisition({ signal: caller.signal, waitMs: Infinity });
      const call = look(drained.wait());
      await clock.advance(0);
      drained.drain();
      caller.abort();
      await clock.advance(0);
      expect(call.error).toBeInstanceOf(LockDrainingError);
    });

    it('listens to the signal no longer than it must', async () => {
      const { signal } = new AbortController();
      const remove = jest.spyOn(signal, 'removeEventListener');
      const add = jest.spyOn(signal, 'addEventListener');
      await acquisition({ signal }).wait();
      await expect(acquisition({ signal, waitMs: 0 }).tryOnce()).rejects.toThrow(LockBusyError);
      expect(remove.mock.calls.length).toBe(add.mock.calls.length);
    });
  });

  it('fails with the error of the store, and cleans up behind itself', async () => {
    store.fail('acquire', { applied: true });
    await expect(acquisition().wait()).rejects.toThrow(LockStoreError);
    await clock.advance(0);
    expect(await store.inspect('a')).toBeNull();
  });
});
