import { describe, expect, it, jest } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import {
  LockBusyError,
  Locked,
  LockService,
  OutcomeUnknownError,
  type UnknownOutcome,
} from 'nestjs-locker';
import { TestLockStore } from 'nestjs-locker/testing';
import { leaseIn } from '../support/lease-end.js';
import { errorOf, eventsOf, lockApp, RecordingLogger } from '../support/lock-service.js';

type Decide = (context: UnknownOutcome) => 'retry' | 'hold' | 'processed';

const NAME = 'invoice:7';

const work = jest.fn<(...args: unknown[]) => unknown>();
const onUnknown = jest.fn<Decide>();
const unknownIf = (error: unknown) => (error as Error).message === 'no answer';

@Injectable()
class Invoices {
  @Locked('invoice:<id>', { once: '30d' })
  async retried(id: number): Promise<unknown> {
    return work(id);
  }

  @Locked('invoice:<id>', { once: { onUnknown: 'hold', job: 'tax' } })
  async held(id: number): Promise<unknown> {
    return work(id);
  }

  @Locked('invoice:<id>', { once: { onUnknown, retention: '1h', storeResult: true } })
  async asked(id: number, by: string): Promise<unknown> {
    return work(id, by);
  }

  @Locked('invoice:<id>', { once: { onUnknown: 'hold', unknownIf } })
  async told(id: number): Promise<unknown> {
    return work(id);
  }

  @Locked('invoice:<id>', {
    once: { onUnknown: 'hold' },
    compensate: (loss, id: number) => work('undo', id, loss.error),
  })
  async compensated(id: number): Promise<unknown> {
    return work(id);
  }
}

/** An application in which somebody began the invoice 7, lost its lock and never told how it ended. */
const start = async (begin: 'retried' | 'held' = 'retried') => {
  work.mockReset();
  onUnknown.mockReset();
  const store = new TestLockStore();
  const logger = new RecordingLogger();
  const app = await lockApp({ store, logger, service: 'billing', providers: [Invoices] });
  const service = app.get(Invoices);
  const locks = app.get(LockService);
  work.mockImplementationOnce(async () => {
    await store.forceLose(NAME);
    throw new Error('mine');
  });
  expect(await errorOf(service[begin](7))).toMatchObject({ message: 'mine' });
  await store.free(NAME);
  work.mockClear();
  work.mockReturnValue('done');
  logger.lines.length = 0;
  const state = async () => (await locks.outcomes.of(NAME))?.state;
  expect(await state()).toBe('unknown');
  return { service, locks, store, logger, state, events: eventsOf(locks) };
};

describe('@Locked with once, whose outcome is unknown', () => {
  it('is run again unless told otherwise, and that is told', async () => {
    const { service, logger, events, locks } = await start();
    expect(await service.retried(7)).toBe('done');
    expect(events).toContainEqual({
      type: 'outcome-unknown',
      name: NAME,
      job: 'invoice',
      decision: 'retry',
      record: expect.objectContaining({ state: 'unknown', name: NAME }),
    });
    expect(logger.lines).toEqual([
      expect.stringMatching(
        new RegExp(
          `^warn The outcome of "${NAME}" is unknown: billing \\(.*, pid ${process.pid}\\) began it at .*Z with fencing token \\d+\\. It is done again now\\.$`,
        ),
      ),
    ]);
    expect(await locks.outcomes.of(NAME)).toMatchObject({
      state: 'processed',
      attempts: [{ outcome: 'unknown' }, { outcome: 'processed' }],
    });
  });

  it("is not run with 'hold', which says who began it and how to go on", async () => {
    const { service, events, logger, state, store } = await start('held');
    const error = await errorOf(service.held(7));
    expect(error).toBeInstanceOf(OutcomeUnknownError);
    expect(error).toMatchObject({
      code: 'LOCK_OUTCOME_UNKNOWN',
      lockName: NAME,
      record: { job: 'tax', state: 'unknown', attempts: [{ outcome: 'unknown' }] },
    });
    const message = `Nobody knows whether "${NAME}" was done: it was begun by billing (`;
    expect((error as Error).message).toContain(message);
    expect((error as Error).message).toContain('locks.outcomes.resolve(name,');
    expect(work).not.toHaveBeenCalled();
    expect(await leaseIn(store, NAME)).toBeNull();
    expect(events.at(-1)).toMatchObject({ type: 'outcome-unknown', job: 'tax', decision: 'hold' });
    expect(logger.lines.at(-1)).toContain('Nobody does it until that is resolved');
    expect(await state()).toBe('unknown');
  });

  it.each([
    ['retry', 'done', 1],
    ['processed', undefined, 0],
  ] as const)('goes on once it is resolved as %s', async (decision, result, times) => {
    const { service, locks } = await start('held');
    expect(await locks.outcomes.resolve(NAME, decision)).toBe(true);
    expect(await locks.outcomes.resolve(NAME, decision)).toBe(false);
    expect(await service.held(7)).toBe(result);
    expect(work).toHaveBeenCalledTimes(times);
  });

  it('is listed and counted by its job', async () => {
    const { locks } = await start('held');
    const names: string[] = [];
    for await (const { name } of locks.outcomes.list('tax', { state: 'unknown' })) names.push(name);
    expect(names).toEqual([NAME]);
    expect(await locks.outcomes.count('tax')).toEqual({ running: 0, unknown: 1, processed: 0 });
    expect(await locks.outcomes.clear('tax', 'unknown')).toBe(1);
    expect(await locks.outcomes.of(NAME)).toBeNull();
  });

  it('has a function told name, job, record, arguments and object, under the lock', async () => {
    const { service, locks } = await start();
    const held: string[] = [];
    onUnknown.mockImplementationOnce(() => {
      held.push(...locks.held().map(({ name }) => name));
      return 'retry';
    });
    expect(await service.asked(7, 'ann')).toBe('done');
    expect(held).toEqual([NAME]);
    expect(onUnknown.mock.calls).toEqual([
      [
        {
          name: NAME,
          job: 'invoice',
          record: expect.objectContaining({ state: 'unknown' }),
          args: [7, 'ann'],
          instance: service,
        },
      ],
    ]);
    expect(onUnknown.mock.calls[0]![0].instance).toBe(service);
    expect(onUnknown.mock.contexts).toEqual([service]);
    expect(work.mock.calls).toEqual([[7, 'ann']]);
    expect(await service.asked(7, 'ann')).toBe('done');
    expect(onUnknown).toHaveBeenCalledTimes(1);
  });

  it("is not run where the function says 'hold'", async () => {
    const { service, store, state } = await start();
    onUnknown.mockReturnValue('hold');
    expect(await errorOf(service.asked(7, 'ann'))).toBeInstanceOf(OutcomeUnknownError);
    expect(await leaseIn(store, NAME)).toBeNull();
    expect(await state()).toBe('unknown');
    expect(await errorOf(service.asked(7, 'ann'))).toBeInstanceOf(OutcomeUnknownError);
    expect(onUnknown).toHaveBeenCalledTimes(2);
    expect(work).not.toHaveBeenCalled();
  });

  it("counts as done where the function says 'processed'", async () => {
    const { service, store, locks, events } = await start();
    onUnknown.mockReturnValueOnce('processed');
    expect(await service.asked(7, 'ann')).toBeUndefined();
    expect(await service.asked(7, 'ann')).toBeUndefined();
    expect(work).not.toHaveBeenCalled();
    expect(await leaseIn(store, NAME)).toBeNull();
    const record = (await locks.outcomes.of(NAME))!;
    expect(record).toMatchObject({ state: 'processed', attempts: [{}, { outcome: 'resolved' }] });
    const leftMs = record.expiresAt!.getTime() - record.processedAt!.getTime();
    expect(Math.round(leftMs / 60_000)).toBe(60);
    const unknown = events.filter(({ type }) => type === 'outcome-unknown');
    expect(unknown).toEqual([expect.objectContaining({ decision: 'processed' })]);
  });

  it.each<[string, Decide, object]>([
    [
      'throws',
      () => {
        throw new Error('cannot ask');
      },
      { message: 'cannot ask' },
    ],
    [
      'gives nonsense',
      () => 'perhaps' as never,
      {
        code: 'LOCK_OPTIONS',
        message: `"onUnknown" of "${NAME}" gave "perhaps"; return 'retry', 'hold' or 'processed'.`,
      },
    ],
  ])('stays unknown where the function %s', async (_what, decide, expected) => {
    const { service, store, state } = await start();
    onUnknown.mockImplementationOnce(decide);
    expect(await errorOf(service.asked(7, 'ann'))).toMatchObject(expected);
    expect(work).not.toHaveBeenCalled();
    expect(await leaseIn(store, NAME)).toBeNull();
    expect(await state()).toBe('unknown');
  });

  it('cannot be resolved while somebody is at it', async () => {
    const { service, locks } = await start();
    work.mockImplementationOnce(() => errorOf(locks.outcomes.resolve(NAME, 'processed')));
    expect(await service.retried(7)).toBeInstanceOf(LockBusyError);
  });

  it('is left so by a throw after a loss, which compensate is told of', async () => {
    const { service, locks, store, state } = await start();
    await locks.outcomes.resolve(NAME, 'retry');
    const own = new Error('mine');
    work.mockImplementationOnce(async () => {
      await store.forceLose(NAME);
      throw own;
    });
    expect(await errorOf(service.compensated(7))).toBe(own);
    expect(work.mock.calls).toEqual([[7], ['undo', 7, own]]);
    await store.free(NAME);
    expect(await state()).toBe('unknown');
    expect(await errorOf(service.compensated(7))).toBeInstanceOf(OutcomeUnknownError);
  });

  it('is what it was left as by an error that says that nobody knows', async () => {
    const { service, locks, state } = await start();
    await locks.outcomes.resolve(NAME, 'retry');
    work.mockImplementationOnce(() => Promise.reject(new Error('refused')));
    expect(await errorOf(service.told(7))).toMatchObject({ message: 'refused' });
    expect(await state()).toBeUndefined();
    work.mockImplementationOnce(() => Promise.reject(new Error('no answer')));
    expect(await errorOf(service.told(7))).toMatchObject({ message: 'no answer' });
    expect(await state()).toBe('unknown');
    expect(await errorOf(service.told(7))).toBeInstanceOf(OutcomeUnknownError);
  });
});
