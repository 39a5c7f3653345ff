import { describe, expect, it } from '@jest/globals';
import { LockOptionsError } from '../lock.errors.js';
import { checkJobName, jobOf, type OnceTerms, resolveTerms } from './once-options.js';

const DAY_MS = 86_400_000;

describe('the terms of what is done once', () => {
  it('have defaults', () => {
    const expected = { retentionMs: 30 * DAY_MS, maxResultBytes: 0, onUnknown: 'retry' };
    expect(resolveTerms({}, 'x')).toEqual(expected);
    const left = { retention: undefined, storeResult: undefined, onUnknown: undefined };
    expect(resolveTerms(left as OnceTerms, 'x')).toEqual(expected);
  });

  it.each<[unknown, number]>([
    ['90d', 90 * DAY_MS],
    [1, 1],
    [1.5, 2],
    ['100y', 100 * 365.25 * DAY_MS],
    [Infinity, Infinity],
  ])('keep a marker for %p', (retention, retentionMs) => {
    expect(resolveTerms({ retention } as OnceTerms, 'x')).toMatchObject({ retentionMs });
  });

  it.each<[unknown, number]>([
    [false, 0],
    [true, 65_536],
    [{ maxBytes: 1 }, 1],
    [{ maxBytes: 10_000_000 }, 10_000_000],
  ])('store a result with %p', (storeResult, maxResultBytes) => {
    expect(resolveTerms({ storeResult } as OnceTerms, 'x')).toMatchObject({ maxResultBytes });
  });

  it('take a function for the unknown as it is', () => {
    const onUnknown = () => 'hold' as const;
    expect(resolveTerms({ onUnknown }, 'x').onUnknown).toBe(onUnknown);
  });

  const advice = 'Write milliseconds or a text with a unit';

  it.each<[string, object]>([
    [`x: "retention" is "soon", not a duration. ${advice}`, { retention: 'soon' }],
    [`x: "retention" is NaN, not a duration. ${advice}`, { retention: NaN }],
    ['x: "retention" is 0, but must be from 1 ms to 3155760000000 ms', { retention: 0 }],
    ['x: "retention" is "101y", but must be from 1 ms', { retention: '101y' }],
    ['x: "retention" is -Infinity, not a duration', { retention: -Infinity }],
    [`x: "onUnknown" is true; write 'retry', 'hold' or a function.`, { onUnknown: true }],
    [`x: "onUnknown" is null; write 'retry', 'hold' or a function.`, { onUnknown: null }],
    [`x: "onUnknown" is "processed"; write 'retry', 'hold'`, { onUnknown: 'processed' }],
    ['x: "unknownIf" is "timeout"; write a function of the error.', { unknownIf: 'timeout' }],
    [
      'x: "storeResult" is "json"; write true, false or { maxBytes: 65536 }.',
      { storeResult: 'json' },
    ],
    ['x: "storeResult" is null; write true, false or', { storeResult: null }],
    [
      'x: "storeResult": there is no option "max". The options are maxBytes.',
      { storeResult: { max: 1 } },
    ],
    ['x: "storeResult": "maxBytes" is undefined; write a whole number', { storeResult: {} }],
    ['x: "storeResult": "maxBytes" is 1.5; write a whole', { storeResult: { maxBytes: 1.5 } }],
    ['x: "storeResult": "maxBytes" is "1kb"; write a', { storeResult: { maxBytes: '1kb' } }],
    ['x: "storeResult": "maxBytes" is Infinity', { storeResult: { maxBytes: Infinity } }],
  ])('are refused: %s', (message, terms) => {
    expect(() => resolveTerms(terms as OnceTerms, 'x')).toThrow(LockOptionsError);
    expect(() => resolveTerms(terms as OnceTerms, 'x')).toThrow(message);
  });
});

describe('the job of a name', () => {
  it.each([
    ['invoice:42', 'invoice'],
    ['invoice:42:draft', 'invoice'],
    ['nightly-report', 'nightly-report'],
    ['invoice:', 'invoice'],
    [':42', ':42'],
    [':', ':'],
  ])('of %p is %p', (name, job) => {
    expect(jobOf(name)).toBe(job);
  });

  it.each(['', undefined, null, 7, {}, 'x'.repeat(1_025)])('is not %p', (job) => {
    expect(() => checkJobName(job, 'The job')).toThrow(LockOptionsError);
    expect(() => checkJobName(job, 'The job')).toThrow(
      /^The job is .*; write a text of up to 1024 characters, such as 'invoice'\.$/,
    );
    expect(() => checkJobName('x'.repeat(1_024), 'The job')).not.toThrow();
  });
});
