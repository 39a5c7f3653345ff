import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { HOLDER, look, WaitingProcess } from '../../test/support/waiting-process.js';
import {
  LockAbortedError,
  LockBusyError,
  LockDrainingError,
  LockStoreError,
  LockTimeoutError,
} from '../lock.errors.js';
import { ManualClock } from '../testing/manual.clock.js';
import { TestLockStore } from '../testing/test-lock.store.js';

const A = { name: 'a', kind: 'lock' } as const;
const SHARED = { units: 1 };
const PERMIT = { kind: 'semaphore', units: 1, permits: 2 } as const;

describe('Acquisition', () => {
  let clock: ManualClock;
  let store: TestLockStore;
  let process: WaitingProcess;
  let acquire: jest.SpiedFunction<TestLockStore['acquire']>;
  beforeEach(() => {
    clock = new ManualClock();
    store = new TestLockStore(clock);
    process = new WaitingProcess(store, clock);
    acquire = jest.spyOn(store, 'acquire');
  });

  const run = (...args: Parameters<WaitingProcess['acquisition']>) =>
    look(process.acquisition(...args).run());
  const isTaken = async () => (await store.inspect(A)).holders.length > 0;

  /** The store's answers come so much later than what they tell has happened. */
  const answerLate = (ms: number) =>
    acquire.mockImplementationOnce(async (request) => {
      const reply = await TestLockStore.prototype.acquire.call(store, request);
      clock.freeze(ms);
      return reply;
    });

  it.each([5_000, 0])(
    'holds from the moment before the command was sent (wait: %d)',
    async (waitMs) => {
      answerLate(1_500);
      const tenure = await process.acquisition({ waitMs }).run();
      expect(tenure).toMatchObject({ name: 'a', beganAt: 0 });
      expect(tenure.remainingMs).toBeLessThan(28_500);
      expect(acquire).toHaveBeenCalledWith(
        expect.objectContaining({ owner: tenure.lease.owner, ttlMs: 30_000, holder: HOLDER }),
      );
    },
  );

  it('asks for no longer than maxHold', async () => {
    const tenure = await process.acquisition({ maxHoldMs: 1_000, waitMs: 0 }).run();
    expect(acquire).toHaveBeenCalledWith(expect.objectContaining({ ttlMs: 1_000 }));
    expect(tenure.lease.ttlMs).toBe(30_000);
    expect(tenure.remainingMs).toBeLessThan(1_000);
  });

  it('counts the ttl from the hand-over, not from before the wait', async () => {
    await store.busy('a');
    const waiting = run({ ttlMs: 1_000, waitMs: Infinity });
    await clock.advance(10_000);
    await store.free('a');
    await clock.advance(0);
    expect(waiting.value!.beganAt).toBe(10_000);
    await clock.advance(10_000); // and is renewed
    expect(waiting.value!.isHeld).toBe(true);
  });

  it('is a new owner each time', async () => {
    const owners = new Set<string>();
    for (let i = 0; i < 3; i++) {
      const tenure = await process.acquisition({ waitMs: 0 }).run();
      owners.add(tenure.lease.owner);
      await process.leases.release(tenure);
    }
    expect(owners.size).toBe(3);
  });

  it('does not call a name busy that the store granted too late', async () => {
    answerLate(1_200);
    const call = run({ ttlMs: 1_000, waitMs: 0 });
    await clock.advance(0);
    expect(call.error).toBeInstanceOf(LockStoreError);
    await clock.advance(0);
    expect(await isTaken()).toBe(false);
  });

  it('refuses a busy name at once where it may not wait, and tells who has it', async () => {
    await store.busy('a');
    const { error } = await settled(run({ waitMs: 0 }));
    expect(error).toBeInstanceOf(LockBusyError);
    expect(error).not.toBeInstanceOf(LockTimeoutError);
    expect(String(error)).toContain('The lock "a" is held by somebody-else (elsewhere, pid 1)');
    expect(acquire).toHaveBeenCalledTimes(1);
  });

  const settled = async (seen: ReturnType<typeof run>) => {
    await clock.advance(0);
    return seen;
  };

  it('does not overtake those of its process that wait, and asks nothing for that', async () => {
    await store.busy('a');
    run({ waitMs: Infinity });
    await clock.advance(0);
    acquire.mockClear();
    const { error } = await settled(run({ waitMs: 0 }));
    expect(error).toMatchObject({ holder: { holder: { pid: 1 } } });
    expect(acquire).not.toHaveBeenCalled();
  });

  it('waits to the end, and tells who had it and what place it was at', async () => {
    await store.busy('a');
    const waiting = run({ waitMs: 1_000 });
    await clock.advance(999);
    expect(waiting.error).toBeUndefined();
    await clock.advance(1);
    expect(waiting.error).toBeInstanceOf(LockTimeoutError);
    expect(waiting.error).toMatchObject({
      waitedMs: 1_000,
      holder: { holder: { pid: 1 } },
      place: 1,
    });
    expect(process.lines.size).toBe(0);
    expect((await store.inspect(A)).waiting).toBe(0);
  });

  it('has one place in the queue for all of a process, one token after the other', async () => {
    await store.busy('a');
    const waiting = Array.from({ length: 50 }, () => run());
    await clock.advance(500);
    expect(acquire).toHaveBeenCalledTimes(1);
    expect((await store.inspect(A)).waiting).toBe(1);
    await store.free('a');
    const tokens: number[] = [];
    for (const each of waiting) {
      await clock.advance(0);
      tokens.push(each.value!.fencingToken);
      await process.leases.release(each.value!);
    }
    expect(tokens).toEqual([...new Set(tokens)].sort((x, y) => x - y));
    expect(acquire.mock.calls.length).toBeLessThan(5);
  });

  it('gets a lease that lasts for it, whatever the one before it in line had wanted', async () => {
    await store.busy('a');
    const caller = new AbortController();
    run({ waitMs: Infinity, signal: caller.signal });
    const second = run({ waitMs: Infinity, maxHoldMs: 200 });
    await clock.advance(0);
    caller.abort();
    await clock.advance(900);
    await store.free('a');
    await clock.advance(0);
    expect(second.value!.isHeld).toBe(true);
    expect(second.value!.remainingMs).toBeGreaterThan(150);
  });

  it('waits for longer than timers of Node can', async () => {
    await store.busy('a');
    const waiting = run({ waitMs: 2 ** 40 });
    await clock.advance('10 minutes');
    expect(waiting).toEqual({});
    await store.free('a');
    await clock.advance(0);
    expect(waiting.value).toBeDefined();
  });

  it('fails with the error of the store, and cleans up behind itself', async () => {
    for (const waitMs of [0, 5_000]) {
      store.fail('acquire', { applied: true });
      const { error } = await settled(run({ waitMs }));
      expect(error).toBeInstanceOf(LockStoreError);
      await clock.advance(0);
      expect(await isTaken()).toBe(false);
    }
  });

  describe('tells its place', () => {
    it('when it must wait, and whenever that has become another', async () => {
      await store.busy('a');
      const elsewhere = new WaitingProcess(store, clock);
      const caller = new AbortController();
      look(elsewhere.acquisition({ waitMs: Infinity, signal: caller.signal }).run());
      await clock.advance(0);
      const onWaiting = jest.fn<(place: number) => void>();
      run({ waitMs: Infinity, onWaiting });
      await clock.advance(2_500);
      expect(onWaiting.mock.calls).toEqual([[2]]);
      caller.abort();
      await clock.advance(1_100);
      expect(onWaiting.mock.calls).toEqual([[2], [1]]);
    });

    it('to nobody who need not wait', async () => {
      const onWaiting = jest.fn<(place: number) => void>();
      const { value } = await settled(run({ onWaiting }));
      expect(value).toBeDefined();
      expect(onWaiting).not.toHaveBeenCalled();
    });

    it('and fails with what that throws', async () => {
      await store.busy('a');
      const own = new Error('mine');
      const onWaiting = () => {
        throw own;
      };
      const { error } = await settled(run({ onWaiting }));
      expect(error).toBe(own);
      await clock.advance(0);
      expect((await store.inspect(A)).waiting).toBe(0);
    });
  });

  describe.each([
    ['a shared lock', SHARED],
    ['a permit', PERMIT],
  ])('of %s', (_what, want) => {
    const exclude = async () => {
      const all = { ...want, units: want === PERMIT ? 2 : 0 };
      return process.acquisition({ waitMs: 0 }, all).run();
    };

    it('waits with a place of its own, and shares the name', async () => {
      const other = await exclude();
      const both = [run({}, want), run({}, want)];
      await clock.advance(0);
      expect((await store.inspect({ ...A, ...want })).waiting).toBe(2);
      await process.leases.release(other);
      await clock.advance(0);
      expect(both.map(({ value }) => value?.isHeld)).toEqual([true, true]);
    });

    it('ends its wait in time, and leaves the queue', async () => {
      await exclude();
      const waiting = run({ waitMs: 1_000 }, want);
      await clock.advance(999);
      expect(waiting).toEqual({});
      await clock.advance(1);
      expect(waiting.error).toBeInstanceOf(LockTimeoutError);
      await clock.advance(0);
      expect((await store.inspect({ ...A, ...want })).waiting).toBe(0);
    });
  });

  it.each([0, 5_000])(
    'tells that a semaphore had other permits before (wait: %d)',
    async (waitMs) => {
      await process.acquisition({ waitMs: 0 }, PERMIT).run();
      await process.acquisition({ waitMs }, { ...PERMIT, permits: 3 }).run();
      expect(process.events).toContainEqual({
        type: 'permits-changed',
        name: 'a',
        permits: 3,
        formerPermits: 2,
      });
    },
  );

  describe('interrupted', () => {
    it.each([5_000, 0])('by a signal that has aborted, asks nothing (wait: %d)', async (waitMs) => {
      const reason = new Error('gone');
      const { error } = await settled(run({ waitMs, signal: AbortSignal.abort(reason) }));
      expect(error).toBeInstanceOf(LockAbortedError);
      expect(error).toMatchObject({ cause: reason });
      expect(acquire).not.toHaveBeenCalled();
      expect(process.lines.size).toBe(0);
    });

    it('while it waits, leaves its place to the next', async () => {
      await store.busy('a');
      const caller = new AbortController();
      const first = run({ signal: caller.signal, waitMs: Infinity });
      const second = run({ waitMs: Infinity });
      await clock.advance(100);
      caller.abort();
      await store.free('a');
      await clock.advance(0);
      expect(first.error).toBeInstanceOf(LockAbortedError);
      expect(second.value).toBeDefined();
    });

    it.each([5_000, 0])(
      'while the store hangs, is told at once, and cleans up behind itself (wait: %d)',
      async (waitMs) => {
        store.fail('acquire', { error: 'hang', applied: true });
        const caller = new AbortController();
        const call = run({ signal: caller.signal, waitMs });
        await clock.advance(0);
        expect(await isTaken()).toBe(true);
        caller.abort();
        await clock.advance(0);
        expect(call.error).toBeInstanceOf(LockAbortedError);
        await clock.advance(2_000);
        expect(await isTaken()).toBe(false);
      },
    );

    it('by a drain, keeps the first reason', async () => {
      await store.busy('a');
      const caller = new AbortController();
      const drained = process.acquisition({ signal: caller.signal, waitMs: Infinity });
      const call = look(drained.run());
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
      await process.acquisition({ signal }).run();
      await expect(process.acquisition({ signal, waitMs: 0 }).run()).rejects.toThrow(LockBusyError);
      store.fail('acquire');
      await expect(process.acquisition({ signal, waitMs: 0 }, { name: 'b' }).run()).rejects.toThrow(
        LockStoreError,
      );
      expect(add).toHaveBeenCalledTimes(3);
      expect(remove).toHaveBeenCalledTimes(3);
    });
  });
});
