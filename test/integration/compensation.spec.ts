import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { Locked, LockLostError, LockService } from 'nestjs-locker';
import { TestLockStore } from 'nestjs-locker/testing';
import {
  errorOf,
  eventsOf,
  lockApp,
  lockService,
  RecordingLogger,
} from '../support/lock-service.js';

const NAME = 'invoice:42';

let store: TestLockStore;
beforeEach(() => {
  store = new TestLockStore();
});

describe('compensate', () => {
  let locks: LockService;
  let logger: RecordingLogger;
  beforeEach(async () => {
    logger = new RecordingLogger();
    locks = await lockService({ store, logger });
  });

  const lose = () => store.forceLose(NAME);

  it('gives the result in place of a loss, and is told what the work returned', async () => {
    const compensate = jest.fn(async (loss: LockLostError) => `undone: ${String(loss.result)}`);
    const call = locks.withLock(NAME, () => lose().then(() => 'issued'), { compensate });
    expect(await call).toBe('undone: issued');
    expect(compensate).toHaveBeenCalledTimes(1);
    expect(compensate.mock.calls[0]![0]).toBeInstanceOf(LockLostError);
  });

  it('is told of a loss that only the release has shown', async () => {
    const compensate = (loss: LockLostError) => `${loss.reason}: ${String(loss.result)}`;
    const work = async () => {
      await store.forceRelease({ name: NAME, kind: 'lock' });
      return 'issued';
    };
    expect(await locks.withLock(NAME, work, { compensate })).toBe('expired: issued');
  });

  it('gives the result where the work ended with the loss itself', async () => {
    const work = async (): Promise<string> => {
      await lose();
      locks.current()!.signal.throwIfAborted();
      return 'issued';
    };
    const compensate = (loss: LockLostError) => `undone: ${String(loss.result)}`;
    expect(await locks.withLock(NAME, work, { compensate })).toBe('undone: undefined');
  });

  it('is told what the work threw, and no result of it', async () => {
    const own = new Error('mine');
    const compensate = jest.fn((_loss: LockLostError) => 'undone');
    const work = () => lose().then(() => Promise.reject<string>(own));
    expect(await errorOf(locks.withLock(NAME, work, { compensate }))).toBe(own);
    const [loss] = compensate.mock.calls[0]!;
    expect(loss).toBeInstanceOf(LockLostError);
    expect(loss).toMatchObject({ lockName: NAME, reason: 'taken-over', result: undefined });
    expect(loss.error).toBe(own);
    expect(loss.cause).toMatchObject({ code: 'LOCK_LOST', error: undefined });
    expect(loss.message).toContain('The work under it threw; that is in "error".');
  });

  it.each([
    ['a result', () => 'issued'],
    ['an own error', () => Promise.reject(new Error('mine'))],
  ])('tells an event when it has succeeded, behind %s', async (_what, end) => {
    const events = eventsOf(locks);
    const work = async () => {
      await lose();
      return end();
    };
    const order: string[] = [];
    locks.events$.subscribe(({ type }) => order.push(type));
    const compensate = async () => {
      await new Promise((resolve) => setImmediate(resolve));
      order.push('has run');
      return 'undone';
    };
    await locks.withLock(NAME, work, { compensate }).catch(() => undefined);
    expect(order).toEqual(['acquired', 'lost', 'has run', 'compensated']);
    expect(events.at(-1)).toEqual({
      type: 'compensated',
      name: NAME,
      fencingToken: expect.any(Number),
      reason: 'taken-over',
    });
    expect(logger.lines.filter((line) => line.includes('compensat'))).toEqual([]);
  });

  it('runs after an own error of the work, which comes out all the same', async () => {
    const own = new Error('mine');
    const compensate = jest.fn(() => 'undone');
    const work = async (): Promise<string> => {
      await lose();
      throw own;
    };
    expect(await errorOf(locks.withLock(NAME, work, { compensate }))).toBe(own);
    expect(compensate).toHaveBeenCalledTimes(1);
  });

  it.each([
    [
      'at once',
      (error: unknown) => {
        throw error;
      },
    ],
    ['later', (error: unknown) => Promise.reject(error)],
  ])('lets its own error out where it stands for the result, thrown %s', async (_when, fail) => {
    const own = new Error('could not undo');
    const compensate = (): never => fail(own) as never;
    expect(await errorOf(locks.withLock(NAME, lose, { compensate }))).toBe(own);
    const events = eventsOf(locks);
    await store.free(NAME);
    const work = async () => {
      await lose();
      locks.current()!.assertHeld();
    };
    expect(await errorOf(locks.withLock(NAME, work, { compensate }))).toBe(own);
    expect(events.map(({ type }) => type)).toEqual(['acquired', 'lost']);
  });

  it.each([
    ['an error', new Error('could not undo')],
    ['nothing', undefined],
    ['an object that no text can be made of', Object.create(null)],
  ])(
    'tells an event of its failure behind an own error of the work (%s)',
    async (_what, failure) => {
      const events = eventsOf(locks);
      const own = new Error('mine');
      const work = async (): Promise<never> => {
        await lose();
        throw own;
      };
      const compensate = () => Promise.reject(failure);
      expect(await errorOf(locks.withLock(NAME, work, { compensate }))).toBe(own);
      expect(events.map(({ type }) => type)).toEqual(['acquired', 'lost', 'compensation-failed']);
      expect(events[2]).toMatchObject({ name: NAME, fencingToken: expect.any(Number) });
      expect((events[2] as { error?: unknown }).error).toBe(failure);
      expect(logger.lines.filter((line) => line.startsWith('error'))).toHaveLength(1);
    },
  );

  it.each([
    ['a success', () => 'issued'],
    ['an own error', () => Promise.reject(new Error('mine'))],
  ])('does not run while the lock was held to the end (%s)', async (_what, work) => {
    const compensate = jest.fn(() => 'undone');
    await locks.withLock(NAME, work, { compensate }).catch(() => undefined);
    store.fail('release');
    await locks.withLock('another', work, { compensate }).catch(() => undefined);
    expect(compensate).not.toHaveBeenCalled();
  });
});

describe('compensate of a decorated method', () => {
  @Injectable()
  class InvoiceService {
    readonly undone: unknown[][] = [];

    @Locked('invoice:<id>', {
      compensate(this: InvoiceService, loss: LockLostError, ...args: unknown[]) {
        this.undone.push([loss.reason, loss.result, ...args]);
        return 'undone';
      },
    })
    async issue(id: number, { work }: { work: () => Promise<string> }): Promise<string> {
      return `${await work()} ${id}`;
    }
  }

  it('runs on the instance, with the loss and the original arguments', async () => {
    const app = await lockApp({ store, providers: [InvoiceService] });
    const invoices = app.get(InvoiceService);
    const options = { work: () => store.forceLose(NAME).then(() => 'issued') };
    expect(await invoices.issue(42, options)).toBe('undone');
    expect(invoices.undone).toEqual([['taken-over', 'issued 42', 42, options]]);
    expect(invoices.undone[0]![3]).toBe(options);
  });

  it('lets an own error of the method out', async () => {
    const app = await lockApp({ store, providers: [InvoiceService] });
    const invoices = app.get(InvoiceService);
    const own = new Error('mine');
    const work = () => store.forceLose(NAME).then(() => Promise.reject(own));
    expect(await errorOf(invoices.issue(42, { work }))).toBe(own);
    expect(invoices.undone).toHaveLength(1);
  });
});
