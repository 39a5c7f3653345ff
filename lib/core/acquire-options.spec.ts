import { describe, expect, it } from '@jest/globals';
import { LockOptionsError } from '../lock.errors.js';
import { type AcquireOptions, NO_OPTIONS, resolveAcquireOptions } from './acquire-options.js';

const DEFAULTS = { ttlMs: 30_000, waitMs: 5_000 };
const resolve = (options: object) =>
  resolveAcquireOptions(options as AcquireOptions, DEFAULTS, () => 'lock "a"');

describe('resolveAcquireOptions', () => {
  it('fills in what is left out, or undefined', () => {
    const filled = {
      ...DEFAULTS,
      maxHoldMs: Infinity,
      minHoldMs: 0,
      minReplicas: 0,
      isShared: false,
      isReentrant: true,
      isQuiet: false,
      onWaiting: undefined,
      renew: true,
      signal: undefined,
    };
    expect(resolve({})).toEqual(filled);
    const nothing = { ttl: undefined, wait: undefined, maxHold: undefined, signal: undefined };
    expect(resolve(nothing)).toEqual(filled);
  });

  it('reads every duration as milliseconds', () => {
    const { signal } = new AbortController();
    const times = { ttl: '1 minute', wait: '10s', maxHold: '1h', minHold: '5s' };
    expect(resolve({ ...times, renew: false, signal })).toMatchObject({
      ttlMs: 60_000,
      waitMs: 10_000,
      maxHoldMs: 3_600_000,
      minHoldMs: 5_000,
      renew: false,
      signal,
    });
  });

  it.each([
    { ttl: 50 },
    { ttl: 2 ** 31 - 1 },
    { wait: 0 },
    { wait: Infinity },
    { wait: 2 ** 40 },
    { maxHold: 50 },
    { maxHold: Infinity },
    { maxHold: 2 ** 40 },
  ])('takes %p', (options) => {
    expect(Object.values(resolve(options))).toContain(Object.values(options)[0]);
  });

  it.each([
    [{ ttl: 0 }, 'ttl'],
    [{ ttl: -1 }, 'ttl'],
    [{ ttl: 49 }, 'ttl'],
    [{ ttl: 2 ** 31 }, 'ttl'],
    [{ ttl: Infinity }, 'ttl'],
    [{ ttl: NaN }, 'ttl'],
    [{ ttl: '30 parsecs' }, 'ttl'],
    [{ ttl: null }, 'ttl'],
    [{ wait: -1 }, 'wait'],
    [{ wait: '' }, 'wait'],
    [{ wait: -Infinity }, 'wait'],
    [{ maxHold: 0 }, 'maxHold'],
    [{ maxHold: true }, 'maxHold'],
    [{ minHold: -1 }, 'minHold'],
    [{ minHold: 2 ** 31 }, 'minHold'],
    [{ mode: 'read' }, 'mode'],
    [{ mode: null }, 'mode'],
    [{ reentrant: 0 }, 'reentrant'],
    [{ minReplicas: -1 }, 'minReplicas'],
    [{ minReplicas: 1.5 }, 'minReplicas'],
    [{ onWaiting: true }, 'onWaiting'],
    [{ renew: 1 }, 'renew'],
    [{ renew: null }, 'renew'],
    [{ signal: {} }, 'signal'],
    [{ signal: new AbortController() }, 'signal'],
  ])('refuses %p, and names the lock and the option', (options, option) => {
    expect(() => resolve(options)).toThrow(LockOptionsError);
    expect(() => resolve(options)).toThrow(new RegExp(`^lock "a": "${option}" is `));
  });

  it('refuses a minHold above maxHold, which nothing can last', () => {
    expect(() => resolve({ minHold: 200, maxHold: 100 })).toThrow(
      'lock "a": "minHold" (200 ms) is above "maxHold" (100 ms)',
    );
  });

  it('resolves options that were left out once for each module', () => {
    const resolved = resolveAcquireOptions(NO_OPTIONS, DEFAULTS, () => 'never asked');
    expect(resolved).toEqual(resolve({}));
    expect(resolveAcquireOptions(NO_OPTIONS, DEFAULTS, () => '')).toBe(resolved);
  });

  it('refuses an option that there is not, and lists those that there are', () => {
    expect(() => resolve({ timeout: 5 })).toThrow(
      'lock "a": there is no option "timeout". The options are ttl, wait, signal, maxHold, minHold, mode,',
    );
  });

  it.each([[null], ['5s'], [5_000]])('refuses %p in place of the options', (options) => {
    expect(() => resolve(options as never)).toThrow(/the options are .*; write an object/);
  });
});
