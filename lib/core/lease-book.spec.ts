import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { grantOf, termsOf } from '../../test/support/tenures.js';
import { ManualClock } from '../testing/manual.clock.js';
import { TestLockStore } from '../testing/test-lock.store.js';
import { BoundedStore } from './bounded-store.js';
import { LeaseBook } from './lease-book.js';
import { LeaseCleaner } from './lease-cleaner.js';
import type { LockEvent } from './lock-events.js';

describe('LeaseBook', () => {
  let clock: ManualClock;
  let events: LockEvent[];
  let book: LeaseBook;
  const ended = jest.fn();
  const freed = jest.fn();
  beforeEach(() => {
    clock = new ManualClock();
    events = [];
    ended.mockReset();
    freed.mockReset();
    const store = new BoundedStore(new TestLockStore(clock), clock, 2_000);
    book = new LeaseBook({
      store,
      clock,
      cleaner: new LeaseCleaner(store, clock),
      emit: (event) => events.push(event),
      service: 'billing',
      passOn: () => false,
      renewing: () => undefined,
      ended,
      freed,
    });
  });

  const begin = (name = 'a') => book.begin(grantOf(clock, { name }), termsOf(), 0);
  const told = () => events.map(({ type }) => type);

  it('counts what was given back with a refusal as given back', () => {
    const [refused, other] = [begin('a'), begin('b')];
    book.end(refused);
    expect(book.size).toBe(1);
    expect([...book]).toEqual([other]);
    expect(told()).toEqual(['acquired', 'acquired', 'released']);
    expect([ended.mock.calls, freed.mock.calls]).toEqual([[[refused]], [['a']]]);
  });

  // The refusal may be so late that its lease was over before it came.
  it.each(['deadline', 'expired', 'shutdown'] as const)(
    'counts and tells once what had been lost before the refusal came (%s)',
    (reason) => {
      const [refused, other] = [begin('a'), begin('b')];
      refused.lease.lose(reason);
      expect(book.size).toBe(1);
      book.end(refused);
      expect(book.size).toBe(1); // a shutdown would not wait for the other one
      expect([...book]).toEqual([other]);
      expect(told()).toEqual(['acquired', 'acquired', 'lost']);
      expect(other.isHeld).toBe(true);
    },
  );
});
