import ms from 'ms';

import { LockOptionsError } from '../lock.errors.js';
import { describeValue } from './describe-value.js';

type Unit =
  | `millisecond${'' | 's'}`
  | `msec${'' | 's'}`
  | 'ms'
  | `second${'' | 's'}`
  | `sec${'' | 's'}`
  | 's'
  | `minute${'' | 's'}`
  | `min${'' | 's'}`
  | 'm'
  | `hour${'' | 's'}`
  | `hr${'' | 's'}`
  | 'h'
  | `day${'' | 's'}`
  | 'd'
  | `week${'' | 's'}`
  | 'w'
  | `year${'' | 's'}`
  | `yr${'' | 's'}`
  | 'y';

type UnitInAnyCase = Unit | Capitalize<Unit> | Uppercase<Unit>;

/**
 * A length of time: milliseconds, or a text that the `ms` package reads.
 *
 * @example
 * const ttl: Duration[] = [5000, '30s', '5 minutes'];
 */
export type Duration = number | `${number}${'' | ' '}${UnitInAnyCase}` | `${number}`;

/**
 * The least and the greatest milliseconds that an option takes, and whether it may be `Infinity`.
 *
 * @example
 * const wait: DurationBounds = { min: 0, max: Number.MAX_SAFE_INTEGER, infinity: true };
 */
export interface DurationBounds {
  readonly min: number;
  readonly max: number;
  /** Lets `Infinity` (the number) pass, whatever `max` is. */
  readonly infinity?: boolean;
}

/**
 * Reads a duration as whole milliseconds, rounded up; `what` names it in the error's message.
 *
 * @throws {LockOptionsError} if it is no duration, or out of its bounds.
 *
 * @example
 * parseDuration('30s', 'LockModule option "ttl"', { min: 50, max: 60_000 }); // 30000
 */
export function parseDuration(value: unknown, what: string, bounds: DurationBounds): number {
  if (value === Infinity && bounds.infinity) return Infinity;
  const exact = typeof value === 'string' ? readText(value) : value;
  if (typeof exact !== 'number' || !Number.isFinite(exact)) {
    throw new LockOptionsError(
      `${what} is ${describeValue(value)}, not a duration. ${advice(bounds)}`,
    );
  }
  const rounded = roundUp(exact);
  if (exact < bounds.min || rounded > bounds.max) {
    throw new LockOptionsError(
      `${what} is ${describeValue(value)}, but must be ${readableRange(bounds)}. ${advice(bounds)}`,
    );
  }
  return rounded;
}

function readText(text: string): number | undefined {
  // `ms` throws for the empty text and returns undefined for every other that it cannot read.
  return text === '' ? undefined : ms(text as ms.StringValue);
}

function roundUp(exact: number): number {
  // '16.1s' is 16100.000000000002 ms in floating point: noise must not cost a millisecond.
  const withoutNoise = Number.isInteger(exact) ? exact : Number(exact.toPrecision(15));
  return Math.ceil(withoutNoise) + 0; // -0 becomes 0
}

function advice({ infinity }: DurationBounds): string {
  const examples = `5000, '30s', '5 minutes'`;
  return `Write milliseconds or a text with a unit: ${examples}${infinity ? ', or Infinity' : ''}.`;
}

function readableRange({ min, max }: DurationBounds): string {
  if (max >= Number.MAX_SAFE_INTEGER) return `at least ${readable(min)}`;
  return `from ${readable(min)} to ${readable(max)}`;
}

function readable(milliseconds: number): string {
  if (milliseconds < 1000) return `${milliseconds} ms`;
  return `${milliseconds} ms (${ms(milliseconds, { long: true })})`;
}
