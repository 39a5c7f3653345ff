import { describe, expect, it } from '@jest/globals';
import { LockLostError, LockOptionsError, LockReleasedError } from '../lock.errors.js';
import { ManualClock } from '../testing/manual.clock.js';
import { Lock } from '../core/lock.js';
import { TenureGroup } from '../core/tenure-group.js';
import { tenureOf } from '../../test/support/tenures.js';
import { type FencedBy, fencingTokenOf, parseFencingToken } from './fencing-token.js';

const operations = {
  release: async () => 'released' as const,
  extend: async () => undefined,
  detach: () => '',
};
const clock = new ManualClock();
const tenure = (name: string, fencingToken: number) => tenureOf(clock, { name, fencingToken });
const lockOf = (...holdings: ReturnType<typeof tenure>[]) =>
  new Lock(holdings.length === 1 ? holdings[0]! : new TenureGroup(holdings), operations);

describe('the token that fences a write', () => {
  it('is that of the lock, whatever the resource is called', () => {
    expect(fencingTokenOf(lockOf(tenure('invoice:42', 7)), 'invoice:42')).toBe(7);
    expect(fencingTokenOf(lockOf(tenure('invoice:42', 7)), 'table invoice')).toBe(7);
  });

  it('is a token that came from elsewhere', () => {
    expect(fencingTokenOf(1_790_000_000_000_123, 'a')).toBe(1_790_000_000_000_123);
  });

  it('of several names is that of the resource', () => {
    const lock = lockOf(tenure('account:1', 7), tenure('account:2', 9));
    expect(fencingTokenOf(lock, 'account:1')).toBe(7);
    expect(fencingTokenOf(lock, 'account:2')).toBe(9);
    expect(() => fencingTokenOf(lock, 'ledger')).toThrow(
      new LockOptionsError(
        'The lock of "account:1, account:2" has a fencing token for each of its names, and none of them is ' +
          'the resource "ledger": pass lock.fencingTokens.get(name).',
      ),
    );
  });

  it('is not given for a lock that is lost or released', () => {
    const lost = tenure('a', 1);
    lost.lease.lose('forced');
    expect(() => fencingTokenOf(lockOf(lost), 'a')).toThrow(LockLostError);
    const released = tenure('a', 1);
    released.markReleased();
    expect(() => fencingTokenOf(lockOf(released), 'a')).toThrow(LockReleasedError);
  });

  it('is not that of what others may hold, too', () => {
    const shared = lockOf(tenureOf(clock, { units: 1 }));
    const permit = lockOf(tenureOf(clock, { kind: 'semaphore', units: 1 }));
    expect(() => fencingTokenOf(shared, 'a')).toThrow(
      /fenced by a shared lock of "a", which others/,
    );
    expect(() => fencingTokenOf(permit, 'a')).toThrow(/fenced by a permit of "a", which others/);
  });

  it.each([undefined, null, '7', 7n, {}, 0, -1, 1.5, Number.NaN, 2 ** 53])(
    'is not %p',
    (by: unknown) => {
      expect(() => fencingTokenOf(by as FencedBy, 'a')).toThrow(LockOptionsError);
    },
  );
});

describe('a token that travels', () => {
  it.each(['1', '42', '1790000000000123', String(Number.MAX_SAFE_INTEGER)])('is %s', (text) => {
    expect(parseFencingToken(text)).toBe(Number(text));
  });

  it.each([
    '',
    '0',
    '-1',
    '+1',
    '01',
    '1.0',
    '1e3',
    ' 1',
    '1 ',
    '1, 2',
    '0x10',
    '١',
    '9007199254740992',
    '1'.repeat(17),
  ])('is not %p', (text) => {
    expect(parseFencingToken(text)).toBeUndefined();
  });
});
