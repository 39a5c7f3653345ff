import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { tenureOf } from '../../test/support/tenures.js';
import { LockLostError, LockStoreError, ResultNotStoredError } from '../lock.errors.js';
import type { ReleaseOutcome } from '../stores/lock-store.interface.js';
import type { Outcome } from '../stores/outcome.interface.js';
import { ManualClock } from '../testing/manual.clock.js';
import { Again, type Ending, Hold } from './hold.js';
import { LockContext } from './lock-context.js';
import type { LockEvent } from './lock-events.js';
import { Lock, type LockOperations } from './lock.js';
import type { Tenure } from './tenure.js';

const OPEN: Outcome = { kind: 'open', job: 'invoice' };
const PROCESSED: Outcome = {
  kind: 'processed',
  job: 'invoice',
  holder: { service: 'billing', host: 'worker-1', pid: 4711 },
  retentionMs: 1_000,
};

describe('Hold of what is done once', () => {
  let tenure: Tenure;
  let events: LockEvent[];
  let hold: Hold;
  const release = jest.fn<LockOperations['release']>();
  const succeeded = jest.fn<Ending<unknown>['succeeded']>();
  beforeEach(() => {
    events = [];
    release.mockReset();
    release.mockResolvedValue('released');
    succeeded.mockReset();
    succeeded.mockReturnValue({ outcome: PROCESSED });
    tenure = tenureOf(new ManualClock());
    const lock = new Lock(tenure, { release, extend: () => Promise.resolve(), detach: () => '' });
    const ending = { succeeded, failed: () => OPEN };
    hold = new Hold(lock, tenure, new LockContext(), (event) => events.push(event), ending);
  });

  const own = new Error('mine');
  const down = new LockStoreError('down');
  const lose = () => tenure.lease.lose('taken-over');
  const told = () => release.mock.calls.map(([, , outcome]) => outcome);
  const compensated = { type: 'compensated', name: 'a', fencingToken: 7, reason: 'taken-over' };

  describe('complete', () => {
    it('tells what the result is to be stored as, with the release', async () => {
      expect(await hold.complete(() => 'done')).toBe('done');
      expect(succeeded.mock.calls).toEqual([['done']]);
      expect(told()).toEqual([PROCESSED]);
      expect(events).toEqual([]);
    });

    it('leaves it open after a throw', async () => {
      await expect(hold.complete(() => Promise.reject(own))).rejects.toBe(own);
      expect(told()).toEqual([OPEN]);
      expect(succeeded).not.toHaveBeenCalled();
      expect(events).toEqual([]);
    });

    it('tells no outcome of a throw after a loss', async () => {
      lose();
      await expect(hold.complete(() => Promise.reject(own))).rejects.toBe(own);
      expect(release).not.toHaveBeenCalled();
      expect(events).toEqual([]);
    });

    it('marks it also after a loss, which comes out with the result', async () => {
      lose();
      release.mockResolvedValue('taken-over');
      const call = hold.complete(() => 'done');
      await expect(call).rejects.toBeInstanceOf(LockLostError);
      await expect(call).rejects.toMatchObject({ result: 'done', reason: 'taken-over' });
      expect(told()).toEqual([PROCESSED]);
      expect(events).toEqual([]);
    });

    it.each<ReleaseOutcome>(['expired', 'taken-over'])(
      'marks it late where the release found it %s',
      async (found) => {
        release.mockResolvedValue(found);
        await expect(hold.complete(() => 'done')).rejects.toMatchObject({ reason: found });
        expect(events).toEqual([]);
      },
    );

    it('has a loss compensated, and is late all the same', async () => {
      lose();
      const compensate = (loss: LockLostError) => `undone ${String(loss.result)}`;
      expect(await hold.complete(() => 'done', compensate)).toBe('undone done');
      expect(events).toEqual([compensated]);
    });

    it('is never repeated once it has succeeded', async () => {
      lose();
      await expect(hold.complete(() => 'done', undefined, true)).rejects.toThrow(LockLostError);
      expect(told()).toEqual([PROCESSED]);
    });

    it('is repeated after a throw if its lock was lost', async () => {
      await expect(hold.complete(() => Promise.reject(own), undefined, true)).rejects.toBe(own);
      lose();
      expect(await hold.complete(() => Promise.reject(own), undefined, true)).toBeInstanceOf(Again);
    });

    it('takes no harm from a store that does not answer', async () => {
      release.mockRejectedValue(down);
      expect(
        await hold.complete(
          () => 'done',
          () => 'undone',
        ),
      ).toBe('done');
      await expect(hold.complete(() => Promise.reject(own))).rejects.toBe(own);
      expect(events).toEqual([]);
    });

    it('comes out with a loss that was known before the store did not answer', async () => {
      lose();
      release.mockRejectedValue(down);
      await expect(hold.complete(() => 'done')).rejects.toMatchObject({ result: 'done' });
      expect(events).toEqual([]);
    });

    it('fails where the result cannot be stored, though it is marked', async () => {
      const error = new ResultNotStoredError('a', 'too large', 'done');
      succeeded.mockReturnValue({ outcome: PROCESSED, error });
      await expect(hold.complete(() => 'done')).rejects.toBe(error);
      expect(told()).toEqual([PROCESSED]);
      expect(events).toEqual([]);
    });

    it('tells a loss rather than a result that cannot be stored', async () => {
      const error = new ResultNotStoredError('a', 'too large', 'done');
      succeeded.mockReturnValue({ outcome: PROCESSED, error });
      lose();
      await expect(hold.complete(() => 'done')).rejects.toMatchObject({ result: 'done' });
    });
  });

  describe('succeed', () => {
    it('tells it, and gives the result', async () => {
      expect(await hold.succeed('done')).toBe('done');
      expect(told()).toEqual([PROCESSED]);
      expect(events).toEqual([]);
    });

    it('fails with the store', async () => {
      release.mockRejectedValue(down);
      const compensate = jest.fn(() => 'undone');
      await expect(hold.succeed('done', compensate)).rejects.toBe(down);
      expect(compensate).not.toHaveBeenCalled();
      expect(events).toEqual([]);
    });

    it('fails with the loss, also where the store does not answer', async () => {
      lose();
      await expect(hold.succeed('done')).rejects.toMatchObject({ result: 'done' });
      release.mockRejectedValue(down);
      await expect(hold.succeed('done')).rejects.toMatchObject({ code: 'LOCK_LOST' });
      expect(events).toEqual([]);
    });

    it('has a loss compensated, whose error comes out', async () => {
      lose();
      expect(await hold.succeed<unknown>('done', (loss) => loss.result)).toBe('done');
      await expect(hold.succeed('done', () => Promise.reject(own))).rejects.toBe(own);
      expect(events).toEqual([compensated]);
    });
  });

  describe('fail', () => {
    it('leaves it open', async () => {
      expect(await hold.fail(OPEN)).toBe('released');
      expect(told()).toEqual([OPEN]);
      expect(events).toEqual([]);
    });

    it('tells no outcome after a loss, which it gives and has compensated', async () => {
      lose();
      expect(await hold.fail(OPEN)).toBe('taken-over');
      const compensate = jest.fn((_loss: LockLostError) => undefined);
      expect(await hold.fail(OPEN, compensate)).toBe('taken-over');
      expect(compensate.mock.calls).toEqual([[tenure.loss]]);
      expect(release).not.toHaveBeenCalled();
      expect(events).toEqual([compensated]);
    });

    it.each<ReleaseOutcome>(['expired', 'taken-over'])(
      'gives what the release found (%s), and has it compensated',
      async (found) => {
        release.mockResolvedValue(found);
        const compensate = jest.fn((_loss: LockLostError) => undefined);
        expect(await hold.fail(OPEN, compensate)).toBe(found);
        expect(compensate.mock.calls[0]![0]).toMatchObject({ reason: found, lockName: 'a' });
      },
    );

    it('counts a loss of any other reason as expired', async () => {
      tenure.lease.lose('forced');
      expect(await hold.fail(OPEN)).toBe('expired');
    });

    it('never fails for want of an answer', async () => {
      release.mockRejectedValue(down);
      expect(await hold.fail(OPEN, () => undefined)).toBe('unconfirmed');
      expect(events).toEqual([]);
    });
  });
});
