import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { tenureOf } from '../../test/support/tenures.js';
import { look } from '../../test/support/waiting-process.js';
import { LockAbortedError, LockBusyError, LockStoreError } from '../lock.errors.js';
import { ManualClock } from '../testing/manual.clock.js';
import { takeAll } from './several-names.js';
import type { Tenure } from './tenure.js';

describe('takeAll', () => {
  let clock: ManualClock;
  let busy: Set<string>;
  let held: Set<string>;
  const take = jest.fn<(name: string, waitMs: number) => Promise<Tenure>>();
  const giveBack = (tenure: Tenure) => void held.delete(tenure.name);
  beforeEach(() => {
    clock = new ManualClock();
    busy = new Set();
    held = new Set();
    take.mockReset();
    take.mockImplementation(async (name, waitMs) => {
      const until = clock.now() + waitMs;
      while (busy.has(name)) {
        if (clock.now() >= until) throw new LockBusyError(`${name} is busy`, name, null);
        await new Promise<void>((resolve) => clock.setTimer(resolve, 10));
      }
      held.add(name);
      return tenureOf(clock, { name });
    });
  });

  const run = (names: string[], waitMs: number) =>
    look(takeAll(names, waitMs, { clock, take, giveBack }));

  it('takes all in one turn, in their order, where none is busy', async () => {
    const call = run(['a', 'b', 'c'], 1_000);
    expect(take.mock.calls).toEqual([
      ['a', 0],
      ['b', 0],
      ['c', 0],
    ]);
    await clock.advance(0);
    expect(call.value!.map(({ name }) => name)).toEqual(['a', 'b', 'c']);
  });

  it('holds none if one is busy and it may not wait', async () => {
    busy.add('b');
    const call = run(['a', 'b', 'c'], 0);
    await clock.advance(0);
    expect(call.error).toMatchObject({ lockName: 'b' });
    expect(held.size).toBe(0);
    expect(take).toHaveBeenCalledTimes(3);
  });

  it('waits for the busy one, and meanwhile holds only those before it', async () => {
    busy.add('b');
    const call = run(['a', 'b', 'c'], 1_000);
    await clock.advance(100);
    expect([...held]).toEqual(['a']);
    busy.delete('b');
    await clock.advance(100);
    expect(call.value!.map(({ name }) => name)).toEqual(['a', 'b', 'c']);
    expect([...held]).toEqual(['a', 'b', 'c']);
  });

  it('has one wait for all, and holds none when that has ended', async () => {
    busy.add('b').add('c');
    const call = run(['a', 'b', 'c'], 1_000);
    await clock.advance(600);
    busy.delete('b');
    await clock.advance(399);
    expect(call.error).toBeUndefined();
    await clock.advance(11);
    expect(call.error).toMatchObject({ lockName: 'c' });
    expect(take.mock.calls.at(-1)).toEqual(['c', expect.closeTo(400, -2)]);
    expect(held.size).toBe(0);
  });

  it.each([
    ['the store fails', new LockStoreError('down')],
    ['it is aborted', new LockAbortedError('c', undefined)],
  ])('waits for none when %s, and holds none', async (_what, error) => {
    busy.add('a');
    take.mockImplementationOnce(take.getMockImplementation()!);
    take.mockImplementationOnce(() => Promise.reject(error));
    const call = run(['a', 'b', 'c'], 1_000);
    await clock.advance(0);
    expect(call.error).toBe(error);
    expect(held.size).toBe(0);
    expect(take).toHaveBeenCalledTimes(3);
  });

  it('gives back what it has when the wait for one fails', async () => {
    busy.add('b');
    const call = run(['a', 'b'], 1_000);
    await clock.advance(0);
    take.mockReset();
    await clock.advance(2_000);
    expect(call.error).toBeInstanceOf(LockBusyError);
    expect(held.size).toBe(0);
  });

  it('waits for ever if it may', async () => {
    busy.add('b');
    const call = run(['a', 'b'], Infinity);
    await clock.advance('10s');
    expect(call).toEqual({});
    busy.delete('b');
    await clock.advance(10);
    expect(call.value).toHaveLength(2);
  });
});
