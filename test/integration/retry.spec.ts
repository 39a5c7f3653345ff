import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { TestingModule } from '@nestjs/testing';
import {
  type Lock,
  LockAbortedError,
  LockDrainingError,
  type LockEvent,
  LockLostError,
  LockOptionsError,
  LockService,
  LockTimeoutError,
} from 'nestjs-locker';
import { TestLockStore } from 'nestjs-locker/testing';
import { errorOf, eventsOf, lockApp, watch } from '../support/lock-service.js';
import { until } from '../support/until.js';

const NAME = 'cache:rates';

const retry = { attempts: 3, backoff: '200ms' } as const;

let store: TestLockStore;
let losses: number;
let tokens: number[];
let times: number[];
beforeEach(() => {
  store = new TestLockStore();
  losses = Infinity;
  tokens = [];
  times = [];
});

/** Has the clock go on until a call is settled. */
const settled = async <T>(call: Promise<T>) => {
  const watched = watch(call);
  const goOn = () => store.clock.advance('50ms').then(() => watched.settled);
  await until(goOn, { what: 'it is settled' });
  return watched;
};

/** Work whose lock is gone at its end, so many times. */
const losing = async ({ fencingToken }: Lock): Promise<string> => {
  tokens.push(fencingToken);
  times.push(store.clock.now());
  if (tokens.length <= losses) await store.forceRelease({ name: NAME, kind: 'lock' });
  return `done ${tokens.length}`;
};

const failing = async (lock: Lock): Promise<never> => {
  await losing(lock);
  throw new Error(`mine ${tokens.length}`);
};

describe('retry', () => {
  let app: TestingModule;
  let locks: LockService;
  let events: LockEvent[];
  beforeEach(async () => {
    app = await lockApp({ store });
    locks = app.get(LockService);
    events = eventsOf(locks);
  });
  const typesOf = () => events.map(({ type }) => type);

  it('does work again whose lock was lost, under a new one, after pauses that double', async () => {
    losses = 2;
    const call = await settled(locks.withLock(NAME, losing, { retry }));
    expect(call).toMatchObject({ value: 'done 3', error: undefined });
    expect(times).toEqual([0, 200, 600]);
    expect(tokens).toEqual([...new Set(tokens)].sort((a, b) => a - b));
    const lost = ['acquired', 'lost'];
    expect(typesOf()).toEqual([...lost, ...lost, 'acquired', 'released']);
  });

  it('ends after so many attempts, with the result of the last', async () => {
    const call = await settled(locks.withLock(NAME, losing, { retry }));
    expect(call.error).toBeInstanceOf(LockLostError);
    expect(call.error).toMatchObject({ result: 'done 3', fencingToken: tokens[2] });
    expect(tokens).toHaveLength(3);
    expect(typesOf().filter((type) => type === 'compensated')).toEqual([]);
  });

  it('compensates after the last attempt alone', async () => {
    const compensate = jest.fn((loss: LockLostError) => `undone ${String(loss.result)}`);
    const call = await settled(locks.withLock(NAME, losing, { retry, compensate }));
    expect(call.value).toBe('undone done 3');
    expect(compensate).toHaveBeenCalledTimes(1);
    expect(events.at(-1)).toEqual({
      type: 'compensated',
      name: NAME,
      fencingToken: tokens[2],
      reason: 'expired',
    });
  });

  it('leaves an own error alone that came under the lock', async () => {
    losses = 0;
    const call = await settled(locks.withLock(NAME, failing, { retry }));
    expect(call.error).toMatchObject({ message: 'mine 1' });
    expect(typesOf()).toEqual(['acquired', 'released']);
  });

  it('does work again that threw after a loss, and lets the last error out', async () => {
    losses = 1;
    const first = await settled(locks.withLock(NAME, failing, { retry }));
    expect(first.error).toMatchObject({ message: 'mine 2' });
    losses = Infinity;
    tokens = [];
    const undone: unknown[] = [];
    const compensate = (loss: LockLostError): never => undone.push(loss.error) as never;
    const second = await settled(locks.withLock(NAME, failing, { retry, compensate }));
    expect(second.error).toMatchObject({ message: 'mine 3' });
    expect(undone).toEqual([second.error]);
    expect(typesOf().filter((type) => type === 'compensated')).toHaveLength(1);
  });

  it('pauses for 100 ms, or for as long as a function says', async () => {
    losses = 1;
    await settled(locks.withLock(NAME, losing, { retry: { attempts: 2 } }));
    expect(times).toEqual([0, 100]);
    const backoff = jest.fn((made: number) => made * 1_000);
    [losses, tokens, times] = [3, [], []];
    const began = store.clock.now();
    await settled(locks.withLock(NAME, losing, { retry: { attempts: 4, backoff } }));
    expect(backoff.mock.calls).toEqual([[1], [2], [3]]);
    expect(times.map((time) => time - began)).toEqual([0, 1_000, 3_000, 6_000]);
  });

  it('waits for whoever has it by then, as for any lock', async () => {
    const stolen = async (lock: Lock) => {
      if (tokens.push(lock.fencingToken) === 1) await store.forceLose(NAME);
      return `done ${tokens.length}`;
    };
    const places: number[] = [];
    const options = {
      retry,
      wait: '1h',
      onWaiting: (place: number) => places.push(place),
    } as const;
    const call = watch(locks.withLock(NAME, stolen, options));
    const isWaiting = () => store.clock.advance('50ms').then(() => places.length > 0);
    await until(isWaiting, { what: 'it waits for the other one' });
    await store.clock.advance('1m');
    expect(call.settled).toBe(false);
    await store.free(NAME);
    await until(() => call.settled, { what: 'it was done again' });
    expect(call.value).toBe('done 2');
    expect(places).toEqual([1]);
  });

  it('ends as it would have ended without it, where the lock cannot be had again', async () => {
    const stolen = async (lock: Lock) => {
      tokens.push(lock.fencingToken);
      await store.forceLose(NAME);
      return 'done';
    };
    const { error } = await settled(locks.withLock(NAME, stolen, { retry }));
    expect(error).toBeInstanceOf(LockLostError);
    expect(error).toMatchObject({ result: 'done', cause: expect.any(LockTimeoutError) });
    await store.free(NAME);
    const compensate = jest.fn((loss: LockLostError) => `undone ${String(loss.result)}`);
    const options = { retry, compensate, wait: 0 } as const;
    expect((await settled(locks.withLock(NAME, stolen, options))).value).toBe('undone done');
    await store.free(NAME);
    const own = new Error('mine');
    const failed = (lock: Lock) => stolen(lock).then(() => Promise.reject<string>(own));
    expect((await settled(locks.withLock(NAME, failed, options))).error).toBe(own);
    expect(compensate.mock.calls.map(([loss]) => loss.error)).toEqual([undefined, own]);
    expect(tokens).toHaveLength(3);
  });

  it('ends its pause with the signal', async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const options = { retry: { attempts: 2, backoff: '1h' }, signal } as const;
    const call = watch(locks.withLock(NAME, losing, options));
    await until(() => typesOf().includes('lost'), { what: 'it is lost' });
    const enough = new Error('enough');
    controller.abort(enough);
    await until(() => call.settled, { what: 'it has ended' });
    expect(call.error).toMatchObject({ code: 'LOCK_LOST', result: 'done 1' });
    const { cause } = call.error as LockLostError;
    expect(cause).toBeInstanceOf(LockAbortedError);
    expect(cause).toMatchObject({ cause: enough });
    expect(tokens).toHaveLength(1);
  });

  it('ends its pause at shutdown', async () => {
    const call = watch(locks.withLock(NAME, losing, { retry: { attempts: 2, backoff: '1h' } }));
    await until(() => typesOf().includes('lost'), { what: 'it is lost' });
    const before = store.clock.now();
    await app.close();
    await until(() => call.settled, { what: 'it has ended' });
    expect(call.error).toMatchObject({ result: 'done 1', cause: expect.any(LockDrainingError) });
    expect(tokens).toHaveLength(1);
    expect(store.clock.now()).toBe(before);
  });

  it.each<[string, object]>([
    ['"retry.attempts" is 0', { attempts: 0 }],
    ['"retry.backoff" is "soon"', { attempts: 2, backoff: 'soon' }],
  ])('is checked before anything is taken: %s', async (message, wrong) => {
    const call = locks.withLock(NAME, losing, { retry: wrong as never });
    expect(await errorOf(call)).toBeInstanceOf(LockOptionsError);
    const permit = locks.semaphore(NAME, 1).withPermit(losing, { retry: wrong as never });
    expect(await errorOf(permit)).toMatchObject({ message: expect.stringContaining(message) });
    expect(events).toEqual([]);
  });

  it('ends with a function for pauses that fails, or gives none', async () => {
    const own = new Error('no idea');
    const backoff = () => {
      throw own;
    };
    const first = settled(locks.withLock(NAME, losing, { retry: { attempts: 2, backoff } }));
    expect((await first).error).toMatchObject({ result: 'done 1', cause: own });
    const wrong = { attempts: 2, backoff: () => NaN };
    const second = await settled(locks.withLock(NAME, losing, { retry: wrong }));
    expect(second.error).toMatchObject({
      code: 'LOCK_LOST',
      cause: {
        code: 'LOCK_OPTIONS',
        message: expect.stringContaining('"retry.backoff" is NaN, not a duration'),
      },
    });
  });

  it('does work again whose permit was lost', async () => {
    const rates = locks.semaphore('rates', 1);
    const compensate = jest.fn(() => 'undone');
    const losingPermit = async ({ fencingToken }: Lock) => {
      if (tokens.push(fencingToken) <= losses) await rates.forceRelease(fencingToken);
      return `done ${tokens.length}`;
    };
    losses = 2;
    const call = await settled(rates.withPermit(losingPermit, { retry, compensate }));
    expect(call.value).toBe('done 3');
    expect(compensate).not.toHaveBeenCalled();
    [losses, tokens] = [3, []];
    const last = await settled(rates.withPermit(losingPermit, { retry, compensate }));
    expect(last.value).toBe('undone');
    expect(await rates.inspect()).toMatchObject({ holders: [] });
  });
});
