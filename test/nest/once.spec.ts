import { describe, expect, it, jest } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import {
  type BusyContext,
  LockBusyError,
  Locked,
  LockLostError,
  LockService,
  LockTimeoutError,
  ResultNotStoredError,
} from 'nestjs-locker';
import { TestLockStore } from 'nestjs-locker/testing';
import { Deferred, errorOf, eventsOf, lockApp, watch } from '../support/lock-service.js';
import { until } from '../support/until.js';

const onBusy = jest.fn<(context: BusyContext) => unknown>();
const work = jest.fn<(...args: unknown[]) => unknown>();

@Injectable()
class Invoices {
  constructor(private readonly locks: LockService) {}

  @Locked('invoice:<id>', { once: '30d' })
  async submit(id: number): Promise<string | undefined> {
    return (await work(id, this.locks.current()?.name)) as string | undefined;
  }

  @Locked('invoice:<id>', { once: { storeResult: true } })
  async stored(id: number): Promise<unknown> {
    return work(id);
  }

  @Locked('invoice:<id>', { once: '30d', wait: 0 })
  async atOnce(id: number): Promise<unknown> {
    return work(id);
  }

  @Locked('invoice:<id>', { once: '30d', onBusy: 'skip' })
  async skipping(id: number): Promise<unknown> {
    return work(id);
  }

  @Locked('invoice:<id>', { once: '30d', onBusy })
  async handled(id: number): Promise<unknown> {
    return work(id);
  }

  @Locked('invoice:<id>', {
    once: '30d',
    compensate(this: Invoices, loss: LockLostError, id: number) {
      return `${this.currency}: ${String(loss.result)} of ${id} came late`;
    },
  })
  async compensated(id: number): Promise<unknown> {
    return work(id);
  }

  readonly currency = '€';
}

const start = async (store: TestLockStore | 'memory' = new TestLockStore()) => {
  onBusy.mockReset();
  work.mockReset();
  work.mockImplementation((id) => `done ${String(id)}`);
  const app = await lockApp({ store, providers: [Invoices] });
  const locks = app.get(LockService);
  return { locks, service: app.get(Invoices), events: eventsOf(locks) };
};

describe.each([
  ['the store for tests', () => new TestLockStore()],
  ['memory', () => 'memory' as const],
])('@Locked with once, in %s', (_what, makeStore) => {
  it('runs once for a key, under its lock', async () => {
    const { service, events, locks } = await start(makeStore());
    expect(await service.submit(7)).toBe('done 7');
    expect(await service.submit(7)).toBeUndefined();
    expect(await service.submit(8)).toBe('done 8');
    expect(work.mock.calls).toEqual([
      [7, 'invoice:7'],
      [8, 'invoice:8'],
    ]);
    const fencingToken = expect.any(Number);
    expect(events.filter(({ type }) => type === 'processed' || type === 'skipped')).toEqual([
      { type: 'processed', name: 'invoice:7', job: 'invoice', fencingToken, isLate: false },
      {
        type: 'skipped',
        name: 'invoice:7',
        reason: 'processed',
        holder: expect.objectContaining({ pid: process.pid }),
        isMissed: false,
      },
      { type: 'processed', name: 'invoice:8', job: 'invoice', fencingToken, isLate: false },
    ]);
    expect(await locks.outcomes.of('invoice:7')).toMatchObject({ state: 'processed' });
  });

  it.each([[{ receipt: 7, lines: [1, null] }], ['a text'], [0], [null], [undefined]])(
    'replays the result if that is stored: %j',
    async (result) => {
      const { service } = await start(makeStore());
      work.mockReturnValueOnce(result);
      expect(await service.stored(7)).toEqual(result);
      expect(await service.stored(7)).toEqual(result);
      expect(work).toHaveBeenCalledTimes(1);
    },
  );

  it('replays nothing to who did not ask for it, and nothing that was not stored', async () => {
    const { service } = await start(makeStore());
    expect(await service.stored(7)).toBe('done 7');
    expect(await service.submit(7)).toBeUndefined();
    await service.submit(8);
    expect(await service.stored(8)).toBeUndefined();
    expect(work).toHaveBeenCalledTimes(2);
  });

  it('is open again after a throw, which comes out as it is', async () => {
    const { service, locks } = await start(makeStore());
    const own = new Error('mine');
    work.mockImplementationOnce(() => Promise.reject(own));
    expect(await errorOf(service.submit(7))).toBe(own);
    expect(await locks.outcomes.of('invoice:7')).toBeNull();
    expect(await service.submit(7)).toBe('done 7');
  });

  it('fails where its result cannot be stored, and is not run again', async () => {
    const { service } = await start(makeStore());
    work.mockReturnValueOnce(10n);
    const first = await errorOf(service.stored(7));
    expect(first).toBeInstanceOf(ResultNotStoredError);
    expect(first).toMatchObject({ lockName: 'invoice:7', result: 10n });
    expect(await errorOf(service.stored(7))).toBeInstanceOf(ResultNotStoredError);
    expect(work).toHaveBeenCalledTimes(1);
  });
});

describe('@Locked with once, while somebody is at it', () => {
  const atWork = async () => {
    const started = await start();
    const going = new Deferred<string>();
    work.mockReturnValueOnce(going.promise);
    const first = watch(started.service.submit(7));
    await until(() => work.mock.calls.length === 1, { what: 'the first is at work' });
    return { ...started, first, going };
  };

  it('waits, and is then told that it is done', async () => {
    const { service, going, first } = await atWork();
    const second = watch(service.submit(7));
    const third = watch(service.stored(7));
    going.resolve('first');
    await until(() => second.settled && third.settled, { what: 'all are told' });
    expect(first).toMatchObject({ value: 'first', error: undefined });
    for (const other of [second, third]) expect(other.value).toBeUndefined();
    expect(work).toHaveBeenCalledTimes(1);
  });

  it('waits, and runs where the other one threw', async () => {
    const { service, going, first } = await atWork();
    const second = watch(service.submit(7));
    going.reject(new Error('mine'));
    await until(() => second.settled, { what: 'the second has run' });
    expect(first.error).toMatchObject({ message: 'mine' });
    expect(second.value).toBe('done 7');
  });

  it('throws, is skipped, or does what a function says', async () => {
    const { service, going, first, events } = await atWork();
    const error = await errorOf(service.atOnce(7));
    expect(error).toBeInstanceOf(LockBusyError);
    expect(error).not.toBeInstanceOf(LockTimeoutError);
    expect(await service.skipping(7)).toBeUndefined();
    expect(events.at(-1)).toMatchObject({ type: 'skipped', reason: 'busy', isMissed: false });
    onBusy.mockReturnValueOnce('instead');
    expect(await service.handled(7)).toBe('instead');
    expect(onBusy.mock.calls[0]![0]).toMatchObject({ name: 'invoice:7', args: [7] });
    expect(work).toHaveBeenCalledTimes(1);
    going.resolve('done');
    await until(() => first.settled, { what: 'the first has ended' });
    for (const method of ['atOnce', 'skipping', 'handled'] as const) {
      expect(await service[method](7)).toBeUndefined();
    }
    expect(onBusy).toHaveBeenCalledTimes(1);
  });

  it('times out as a lock does', async () => {
    const store = new TestLockStore();
    const { service } = await start(store);
    await store.busy('invoice:7');
    const call = watch(service.submit(7));
    await store.clock.advance('5s');
    await until(() => call.settled, { what: 'it has waited' });
    expect(call.error).toBeInstanceOf(LockTimeoutError);
    await store.free('invoice:7');
    expect(await service.submit(7)).toBe('done 7');
  });
});

describe('@Locked with once', () => {
  it('counts as done although its lock was lost; compensate gives the result', async () => {
    const store = new TestLockStore();
    const { service, events } = await start(store);
    work.mockImplementationOnce(async () => {
      await store.forceLose('invoice:7');
      return 'submitted';
    });
    expect(await service.compensated(7)).toBe('€: submitted of 7 came late');
    expect(events.map(({ type }) => type)).toEqual([
      'acquired',
      'lost',
      'processed',
      'compensated',
    ]);
    expect(events[2]).toMatchObject({ isLate: true });
    await store.free('invoice:7');
    expect(await service.compensated(7)).toBeUndefined();
    expect(work).toHaveBeenCalledTimes(1);
  });
});
