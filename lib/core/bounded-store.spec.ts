import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { LockStoreError } from '../lock.errors.js';
import { ManualClock } from '../testing/manual.clock.js';
import { TestLockStore } from '../testing/test-lock.store.js';
import { UnlockedStore } from '../testing/unlocked.store.js';
import { BoundedStore } from './bounded-store.js';

const LIMIT = 2_000;
const SUBJECT = { name: 'a', kind: 'lock' } as const;
const CLAIM = { ...SUBJECT, owner: 'me', fencingToken: 1 };
const HOLDER = { service: 's', host: 'h', pid: 1 };
const REQUEST = { ...CLAIM, units: 0, permits: 0, tokens: 1, ttlMs: 30_000, holder: HOLDER };

describe('BoundedStore', () => {
  let clock: ManualClock;
  let store: TestLockStore;
  let bounded: BoundedStore;
  beforeEach(() => {
    clock = new ManualClock();
    store = new TestLockStore(clock);
    bounded = new BoundedStore(store, clock, LIMIT);
  });

  const steps = [
    ['acquire', 'acquire "a"', () => bounded.acquire(REQUEST)],
    ['renew', 'renew 1 lock(s)', () => bounded.renew([REQUEST])],
    ['release', 'release "a"', () => bounded.release(CLAIM)],
    ['inspect', 'inspect "a"', () => bounded.inspect(SUBJECT)],
    ['forceRelease', 'release "a" by force', () => bounded.forceRelease(SUBJECT)],
  ] as const;

  it.each(steps)('answers %s as the store does', async (_step, _task, take) => {
    await expect(take()).resolves.toBeDefined();
    await clock.advance(LIMIT); // and no late rejection
  });

  it.each(steps)('ends %s at the limit when no answer comes', async (step, task, take) => {
    store.fail(step, { error: 'hang' });
    let error: unknown;
    take().catch((e: unknown) => (error = e));
    await clock.advance(LIMIT - 1);
    expect(error).toBeUndefined();
    await clock.advance(1);
    expect(error).toBeInstanceOf(LockStoreError);
    expect(String(error)).toContain(
      `The lock store (test store) could not ${task}: no answer within ${LIMIT} ms`,
    );
  });

  it.each(steps)('wraps the error of %s, which stays as the cause', async (step, task, take) => {
    const cause = new Error('connection lost');
    store.fail(step, { error: cause });
    const call = take();
    await expect(call).rejects.toThrow(LockStoreError);
    await expect(call).rejects.toThrow(`could not ${task}: it failed: connection lost. `);
    await expect(call).rejects.toMatchObject({ cause });
  });

  it.each(steps)('tells whether the work may be done when %s fails', async (step, _task, take) => {
    store.fail(step, { error: new Error('connection lost') });
    await expect(take()).rejects.toMatchObject({ mayBeDone: step === 'release' });
  });

  it('rejects where the store throws at once', async () => {
    store.renew = () => {
      throw new TypeError('not a promise');
    };
    await expect(bounded.renew([REQUEST])).rejects.toThrow(/could not renew.*not a promise/);
  });

  it("lets the store's own LockStoreError through as it is", async () => {
    const own = new LockStoreError('mine');
    store.fail('inspect', { error: own });
    await expect(bounded.inspect(SUBJECT)).rejects.toBe(own);
  });

  it('tells at the limit why the store is out of reach, if that knows', async () => {
    const lastError = new Error('connect ECONNREFUSED');
    Object.assign(store, { lastError });
    store.fail('inspect', { error: 'hang' });
    let error: unknown;
    bounded.inspect(SUBJECT).catch((e: unknown) => (error = e));
    await clock.advance(LIMIT);
    expect(error).toMatchObject({
      cause: lastError,
      message: expect.stringContaining(`within ${LIMIT} ms: connect ECONNREFUSED. `),
    });
  });

  it('tells the reason of an error from another realm, as those of Node are under jest', async () => {
    const { runInNewContext } = await import('node:vm');
    store.fail('inspect', { error: runInNewContext('new Error("from elsewhere")') as Error });
    await expect(bounded.inspect(SUBJECT)).rejects.toThrow('it failed: from elsewhere.');
  });

  it('takes one lease by force if it is told which', async () => {
    const forceRelease = jest.spyOn(store, 'forceRelease');
    await bounded.forceRelease(SUBJECT, 7);
    expect(forceRelease).toHaveBeenCalledWith(SUBJECT, 7);
  });

  it('renews in the groups of the store, or all in one', () => {
    expect(bounded.renewalGroupOf('a')).toBe('');
    Object.assign(store, { renewalGroupOf: (name: string) => `group of ${name}` });
    expect(bounded.renewalGroupOf('a')).toBe('group of a');
  });

  it('passes on what the store tells by itself, and whether it does', () => {
    const listener = {
      onHandOver: jest.fn(),
      onFreed: jest.fn(),
      onReconnect: jest.fn(),
      onSilence: jest.fn(),
    };
    const listen = jest.spyOn(store, 'listen');
    bounded.listen(listener);
    expect(listen).toHaveBeenCalledWith(listener);
    expect(bounded.tellsHandOvers('a')).toBe(true);
  });

  it('has a store that tells nothing asked', () => {
    const silent = new BoundedStore(new UnlockedStore(), clock, LIMIT);
    expect(() => silent.listen({} as never)).not.toThrow();
    expect(silent.tellsHandOvers('a')).toBe(false);
  });

  it('bounds the start by a limit of its own', async () => {
    store.connect = () => new Promise(() => undefined);
    let failed = false;
    bounded.connect(10_000).catch(() => (failed = true));
    await clock.advance(9_999);
    expect(failed).toBe(false);
    await clock.advance(1);
    expect(failed).toBe(true);
  });

  it('bounds the end, too', async () => {
    store.close = () => new Promise(() => undefined);
    let error: unknown;
    bounded.close().catch((e: unknown) => (error = e));
    await clock.advance(LIMIT);
    expect(String(error)).toContain('could not close: no answer within');
  });
});
