import { describe, expect, it } from '@jest/globals';
import { flatnessOf } from './flatness.js';

const samples = (valueAt: (i: number) => number) =>
  Array.from({ length: 60 }, (_, i) => valueAt(i));

describe('flatness', () => {
  it('is seen through noise', () => {
    const noisy = samples((i) => 100 + (i % 3) * 4);
    expect(flatnessOf(noisy, 0.05)).toEqual({ before: 104, after: 104, isFlat: true });
  });

  it('does not count the warm-up', () => {
    expect(
      flatnessOf(
        samples((i) => (i < 12 ? i : 100)),
        0.05,
      ).isFlat,
    ).toBe(true);
  });

  it('is not found in what grows slowly all the time', () => {
    expect(
      flatnessOf(
        samples((i) => 100 + i * 0.3),
        0.05,
      ).isFlat,
    ).toBe(false);
  });

  it('is found in what shrinks', () => {
    expect(
      flatnessOf(
        samples((i) => 100 - i),
        0.05,
      ).isFlat,
    ).toBe(true);
  });

  it('cannot be told from a few samples', () => {
    expect(() => flatnessOf([1, 2, 3], 0.05)).toThrow('too few');
  });
});
