import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { tenureOf } from '../../test/support/tenures.js';
import { LockLostError } from '../lock.errors.js';
import type { ReleaseOutcome } from '../stores/lock-store.interface.js';
import { ManualClock } from '../testing/manual.clock.js';
import { Again, Hold } from './hold.js';
import { LockContext } from './lock-context.js';
import type { LockEvent } from './lock-events.js';
import { Lock } from './lock.js';
import type { Holding, Tenure } from './tenure.js';
import { TenureGroup } from './tenure-group.js';

describe('Hold', () => {
  let tenure: Tenure;
  let lock: Lock;
  let hold: Hold;
  let events: LockEvent[];
  const release = jest.fn<() => Promise<ReleaseOutcome>>();
  beforeEach(() => {
    events = [];
    release.mockReset();
    release.mockResolvedValue('released');
    begin();
  });

  const begin = () => {
    tenure = tenureOf(new ManualClock());
    lock = new Lock(tenure, { release, extend: () => Promise.resolve(), detach: () => '' });
    return (hold = holdOf(tenure));
  };

  const holdOf = (holding: Holding) =>
    new Hold(lock, holding, new LockContext(), (event) => events.push(event));
  const own = new Error('mine');
  const lose = () => tenure.lease.lose('taken-over');

  it('hands the lock to the work, and gives it back before the result', async () => {
    const work = jest.fn((given: Lock) => given === lock && release.mock.calls.length === 0);
    expect(await hold.complete(work)).toBe(true);
    expect(release).toHaveBeenCalledTimes(1);
  });

  it('gives the lock back after an own error, too, and lets that out', async () => {
    await expect(hold.complete(() => Promise.reject(own))).rejects.toBe(own);
    expect(release).toHaveBeenCalledTimes(1);
  });

  it('asks the store nothing about a lock that is lost', async () => {
    await expect(hold.complete(lose)).rejects.toThrow(LockLostError);
    expect(release).not.toHaveBeenCalled();
  });

  it.each(['expired', 'taken-over'] as const)(
    'takes a release that found it %s for a loss',
    async (found) => {
      release.mockResolvedValue(found);
      const failure = hold.complete(() => 'done');
      await expect(failure).rejects.toMatchObject({
        reason: found,
        result: 'done',
        fencingToken: 7,
      });
    },
  );

  it('takes a release that failed for none', async () => {
    release.mockRejectedValue(new Error('down'));
    expect(
      await hold.complete(
        () => 'done',
        () => 'undone',
      ),
    ).toBe('done');
    await expect(hold.complete(() => Promise.reject(own))).rejects.toBe(own);
  });

  it('takes the loss of one of several names for that of the lock', async () => {
    hold = holdOf(new TenureGroup([tenureOf(new ManualClock(), { name: 'b' }), tenure]));
    await expect(hold.complete(lose)).rejects.toMatchObject({ lockName: 'a' });
    expect(release).toHaveBeenCalledTimes(1); // the others are still held
  });

  it('keeps the loss as the cause of the error that carries the result', async () => {
    let error: LockLostError | undefined;
    await hold
      .complete(() => {
        lose();
        return 'done';
      })
      .catch((e: LockLostError) => (error = e));
    expect(error).toMatchObject({ result: 'done', cause: tenure.loss, reason: 'taken-over' });
    expect(tenure.loss!.result).toBeUndefined();
  });

  it('compensates only what was lost, with the loss', async () => {
    const compensate = jest.fn((loss: LockLostError) => `undone ${String(loss.result)}`);
    expect(await hold.complete(() => 'done', compensate)).toBe('done');
    expect(compensate).not.toHaveBeenCalled();
    tenure = tenureOf(new ManualClock(), { name: 'b', fencingToken: 8 });
    hold = holdOf(tenure);
    const work = () => {
      lose();
      return 'done';
    };
    expect(await hold.complete(work, compensate)).toBe('undone done');
  });

  it('waits for a compensation behind an own error before that comes out', async () => {
    const order: string[] = [];
    const work = (): never => {
      lose();
      throw own;
    };
    const compensate = async () => {
      await new Promise((resolve) => setImmediate(resolve));
      order.push('compensated');
    };
    await hold.complete(work, compensate).catch(() => order.push('failed'));
    expect(order).toEqual(['compensated', 'failed']);
  });

  it('tells a compensation that failed behind an own error, and only then', async () => {
    const failure = new Error('could not undo');
    const work = (): never => {
      lose();
      throw own;
    };
    const compensate = () => Promise.reject(failure);
    await expect(hold.complete(work, compensate)).rejects.toBe(own);
    expect(events).toEqual([
      { type: 'compensation-failed', name: 'a', fencingToken: 7, error: failure },
    ]);
  });

  it('compensates in place of the loss that the work let through', async () => {
    const work = () => {
      lose();
      lock.assertHeld();
    };
    expect(await hold.complete<unknown>(work, (loss) => loss)).toBe(tenure.loss);
  });

  it('is done again after a loss where it may be, and only then', async () => {
    const compensate = jest.fn(() => 'undone');
    const done = () => begin().complete(() => 'done', compensate, true);
    const failing = () => begin().complete(() => Promise.reject(own), compensate, true);
    const noticing = () => {
      lose();
      return lock.assertHeld();
    };
    expect(await done()).toBe('done');
    await expect(failing()).rejects.toBe(own);
    release.mockResolvedValue('expired');
    expect([await done(), await failing()]).toEqual([expect.any(Again), expect.any(Again)]);
    expect(await begin().complete<unknown>(noticing, compensate, true)).toBeInstanceOf(Again);
    expect(compensate).not.toHaveBeenCalled();
    expect(events).toEqual([]);
  });

  it('tells a compensation that succeeded, for a result and behind an own error', async () => {
    const compensated = { type: 'compensated', name: 'a', fencingToken: 7, reason: 'taken-over' };
    lose();
    expect(
      await hold.complete<unknown>(
        () => 'done',
        () => 'undone',
      ),
    ).toBe('undone');
    expect(events).toEqual([compensated]);
    const told: unknown[] = [];
    const compensate = (loss: LockLostError) => told.push(loss.error, loss.result, loss.cause);
    await expect(hold.complete(() => Promise.reject(own), compensate)).rejects.toBe(own);
    expect(told).toEqual([own, undefined, tenure.loss]);
    expect(events).toEqual([compensated, compensated]);
  });
});
