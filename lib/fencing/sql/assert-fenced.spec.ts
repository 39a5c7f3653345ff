import { describe, expect, it } from '@jest/globals';
import { heldLock } from '../../../test/support/held-lock.js';
import { LockOptionsError, StaleFencingTokenError } from '../../lock.errors.js';
import { assertFenced } from './assert-fenced.js';

const TOKEN = 7;

describe('an UPDATE that compares the fence itself', () => {
  it.each([1, 2, 1n])('has written when the count is %p', (count) => {
    expect(() => assertFenced(count, 'invoice:42', TOKEN)).not.toThrow();
  });

  it.each([0, 0n])('was refused when the count is %p', (count) => {
    expect(() => assertFenced(count, 'invoice:42', TOKEN)).toThrow(
      new StaleFencingTokenError('invoice:42', TOKEN),
    );
  });

  it.each([undefined, null, '1', -1, 1.5, Number.NaN, {}, [1]])(
    'has not told with %p',
    (count: unknown) => {
      expect(() => assertFenced(count as number, 'invoice:42', TOKEN)).toThrow(LockOptionsError);
    },
  );

  it('has decided, even if the lock is lost by now', () => {
    const { lock, lose } = heldLock('invoice:42', TOKEN);
    lose();
    expect(() => assertFenced(1, 'invoice:42', lock)).not.toThrow();
    expect(() => assertFenced(0, 'invoice:42', lock)).toThrow(
      new StaleFencingTokenError('invoice:42', TOKEN),
    );
  });

  it.each([undefined, null, {}, '7', 0])('is not fenced by %p', (by: unknown) => {
    expect(() => assertFenced(1, 'invoice:42', by as number)).toThrow(LockOptionsError);
  });
});
