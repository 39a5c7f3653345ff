import { describe, expect, it } from '@jest/globals';
import { LockOptionsError } from '../lock.errors.js';
import { resolveRetry, type RetryOptions } from './retry.js';

const resolve = (retry: unknown) => resolveRetry(retry as RetryOptions | undefined, 'x');
const pausesOf = (retry: RetryOptions) =>
  Array.from({ length: retry.attempts - 1 }, (_, i) => resolve(retry).pauseAfter(i + 1));

describe('retry options', () => {
  it('are one attempt where they are left out', () => {
    expect(resolve(undefined).attempts).toBe(1);
  });

  it('double the pause, up to 30 s', () => {
    expect(pausesOf({ attempts: 4 })).toEqual([100, 200, 400]);
    expect(pausesOf({ attempts: 4, backoff: '10s' })).toEqual([10_000, 20_000, 30_000]);
    expect(pausesOf({ attempts: 100 }).at(-1)).toBe(30_000);
    expect(pausesOf({ attempts: 3, backoff: 0 })).toEqual([0, 0]);
  });

  it('do not shorten a pause that is longer', () => {
    expect(pausesOf({ attempts: 3, backoff: '1m' })).toEqual([60_000, 60_000]);
  });

  it('pause for as long as a function of the attempts made gives', () => {
    const backoff = (made: number) => (made === 1 ? '1s' : made * 60_000);
    expect(pausesOf({ attempts: 3, backoff } as RetryOptions)).toEqual([1_000, 120_000]);
  });

  it.each(['soon', -1, undefined, NaN, Infinity])('refuse a function that gives %p', (given) => {
    const { pauseAfter } = resolve({ attempts: 2, backoff: () => given });
    expect(() => pauseAfter(1)).toThrow(LockOptionsError);
    expect(() => pauseAfter(1)).toThrow('x: "retry.backoff" is ');
  });

  const whole = 'write a whole number from 1 to 100.';

  it.each<[string, unknown]>([
    ['x: "retry": the options are null; write an object.', null],
    ['x: "retry": the options are 3; write an object.', 3],
    [
      'x: "retry": there is no option "delay". The options are attempts, backoff.',
      { attempts: 2, delay: 1 },
    ],
    [`x: "retry.attempts" is undefined; ${whole}`, {}],
    [`x: "retry.attempts" is 0; ${whole}`, { attempts: 0 }],
    [`x: "retry.attempts" is -1; ${whole}`, { attempts: -1 }],
    [`x: "retry.attempts" is 1.5; ${whole}`, { attempts: 1.5 }],
    [`x: "retry.attempts" is 101; ${whole}`, { attempts: 101 }],
    [`x: "retry.attempts" is Infinity; ${whole}`, { attempts: Infinity }],
    [`x: "retry.attempts" is "3"; ${whole}`, { attempts: '3' }],
    ['x: "retry.backoff" is "soon", not a duration', { attempts: 2, backoff: 'soon' }],
    ['x: "retry.backoff" is null, not a duration', { attempts: 2, backoff: null }],
    ['x: "retry.backoff" is -1, but must be from 0 ms', { attempts: 2, backoff: -1 }],
    ['x: "retry.backoff" is Infinity, not a duration', { attempts: 2, backoff: Infinity }],
  ])('are refused: %s', (message, retry) => {
    expect(() => resolve(retry)).toThrow(LockOptionsError);
    expect(() => resolve(retry)).toThrow(message);
  });

  it('take the least and the most', () => {
    expect(resolve({ attempts: 1 }).attempts).toBe(1);
    expect(resolve({ attempts: 100 }).attempts).toBe(100);
  });
});
