import { describe, expect, it } from '@jest/globals';
import { resultTextOf } from './result-text.js';

describe('resultTextOf', () => {
  it.each<[unknown, string]>([
    [{ receipt: 7 }, '{"receipt":7}'],
    [null, 'null'],
    ['', '""'],
    [0, '0'],
    [false, 'false'],
    [new Date(0), '"1970-01-01T00:00:00.000Z"'],
  ])('of %p is its JSON', (result, text) => {
    expect(resultTextOf(result, 100)).toEqual({ text });
  });

  it('of nothing is nothing, and no problem', () => {
    expect(resultTextOf(undefined, 1)).toEqual({});
  });

  it('may have just so many bytes, not characters', () => {
    expect(resultTextOf('€', 5)).toEqual({ text: '"€"' });
    expect(resultTextOf('€', 4)).toEqual({ problem: 'it has 5 bytes as JSON, more than 4' });
  });

  const cycle: Record<string, unknown> = {};
  cycle['self'] = cycle;

  it.each<[string, unknown]>([
    ['it has no JSON (Do not know how to serialize a BigInt)', 1n],
    ['it has no JSON (Converting circular structure', cycle],
    ['it has no JSON', () => undefined],
    ['it has no JSON', Symbol('s')],
    ['it has no JSON', { toJSON: () => undefined }],
  ])('tells the problem: %s', (problem, result) => {
    const { text, problem: told } = resultTextOf(result, 100);
    expect(text).toBeUndefined();
    expect(told).toContain(problem);
  });
});
