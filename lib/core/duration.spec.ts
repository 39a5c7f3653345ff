import { describe, expect, it } from '@jest/globals';

import { LockOptionsError } from '../lock.errors.js';
import { parseDuration } from './duration.js';
import type { Duration } from './duration.js';

const TTL = 'LockModule option "ttl"';
const ANY = { min: 0, max: Number.MAX_SAFE_INTEGER };

function messageOf(value: unknown, bounds: Parameters<typeof parseDuration>[2] = ANY): string {
  try {
    parseDuration(value, TTL, bounds);
  } catch (error) {
    if (error instanceof LockOptionsError) return error.message;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('parseDuration', () => {
  it.each<[Duration, number]>([
    [5000, 5000],
    [0, 0],
    ['100', 100],
    ['30s', 30_000],
    ['30 s', 30_000],
    ['5 minutes', 300_000],
    ['5 Minutes', 300_000],
    ['5 MINUTES', 300_000],
    ['1.5h', 5_400_000],
    ['1d', 86_400_000],
    ['2 weeks', 1_209_600_000],
    ['1y', 31_557_600_000],
  ])('reads %p as %p ms', (value, expected) => {
    expect(parseDuration(value, TTL, ANY)).toBe(expected);
  });

  it('rounds up to whole milliseconds', () => {
    expect(parseDuration(0.2, TTL, ANY)).toBe(1);
    expect(parseDuration('0.0015s', TTL, ANY)).toBe(2);
  });

  it('does not round up the noise of floating point', () => {
    expect(16.1 * 1000).toBeGreaterThan(16_100);
    expect(parseDuration('16.1s', TTL, ANY)).toBe(16_100);
  });

  it('leaves whole numbers as they are, however large', () => {
    expect(parseDuration(Number.MAX_SAFE_INTEGER, TTL, ANY)).toBe(Number.MAX_SAFE_INTEGER);
  });

  it('reads -0 as 0', () => {
    expect(parseDuration(-0, TTL, ANY)).toBe(0);
  });

  it.each<[unknown, string]>([
    ['', '""'],
    [' ', '" "'],
    ['soon', '"soon"'],
    ['3 parsecs', '"3 parsecs"'],
    ['1h 30m', '"1h 30m"'],
    ['1e3', '"1e3"'],
    ['5s'.padStart(200), `"${' '.repeat(60)}…"`],
    [NaN, 'NaN'],
    [-Infinity, '-Infinity'],
    [Infinity, 'Infinity'],
    ['Infinity', '"Infinity"'],
    [null, 'null'],
    [undefined, 'undefined'],
    [true, 'true'],
    [5n, '5n'],
    [Symbol('ttl'), 'Symbol(ttl)'],
    [new Date(0), '1970-01-01T00:00:00.000Z'],
    [{ password: 'hunter2' }, '[Object]'],
    [[5000], '[Array]'],
    [Object(5000), '[Number: 5000]'],
  ])('refuses %p', (value, shown) => {
    expect(messageOf(value)).toBe(
      `${TTL} is ${shown}, not a duration. ` +
        `Write milliseconds or a text with a unit: 5000, '30s', '5 minutes'.`,
    );
  });

  it('survives a value that cannot be shown', () => {
    const hostile = {
      get [Symbol.toStringTag](): string {
        throw new Error('no tag');
      },
    };
    expect(messageOf(hostile)).toContain(`${TTL} is `);
    expect(messageOf(new Proxy({}, { get: () => JSON.parse('{') }))).toContain(`${TTL} is `);
  });

  it('takes Infinity only where it is allowed, and only as a number', () => {
    const bounds = { min: 0, max: 1000, infinity: true };
    expect(parseDuration(Infinity, 'option "wait"', bounds)).toBe(Infinity);
    expect(messageOf('Infinity', bounds)).toMatch(/not a duration.*, or Infinity\.$/);
    expect(messageOf(-Infinity, bounds)).toContain('-Infinity, not a duration');
  });

  it('takes both of its bounds', () => {
    expect(parseDuration(50, TTL, { min: 50, max: 100 })).toBe(50);
    expect(parseDuration(100, TTL, { min: 50, max: 100 })).toBe(100);
  });

  it.each([49, 49.9, 2_147_483_647.5, '30 days', -1])(
    'tells its bounds when refusing %p',
    (value) => {
      expect(messageOf(value, { min: 50, max: 2_147_483_647 })).toBe(
        `${TTL} is ${JSON.stringify(value)}, but must be from 50 ms to 2147483647 ms (25 days). ` +
          `Write milliseconds or a text with a unit: 5000, '30s', '5 minutes'.`,
      );
    },
  );

  it('tells only the lower bound where there is no upper one to speak of', () => {
    expect(messageOf(-0.5)).toContain('is -0.5, but must be at least 0 ms. Write');
    expect(messageOf('10s', { min: 60_000, max: Infinity })).toContain(
      'must be at least 60000 ms (1 minute).',
    );
  });
});

describe('Duration', () => {
  it('is refused by the compiler without a unit that ms reads', () => {
    // @ts-expect-error: no such unit
    const unknownUnit: Duration = '3 parsecs';
    // @ts-expect-error: Infinity is a number
    const infinity: Duration = 'Infinity';
    expect([unknownUnit, infinity]).toHaveLength(2);
  });
});
