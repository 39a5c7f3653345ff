export interface Flatness {
  readonly before: number;
  readonly after: number;
  readonly isFlat: boolean;
}

const median = (values: readonly number[]) =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;

/**
 * Whether something that is measured again and again has stopped growing: what it comes to in the last third
 * against the first, after a fifth for warming up.
 *
 * @param tolerance the share by which it may have grown
 */
export function flatnessOf(samples: readonly number[], tolerance: number): Flatness {
  const warm = samples.slice(Math.ceil(samples.length / 5));
  const third = Math.floor(warm.length / 3);
  if (third < 1)
    throw new Error(`${samples.length} samples are too few to tell whether they are flat`);
  const before = median(warm.slice(0, third));
  const after = median(warm.slice(-third));
  return { before, after, isFlat: after <= before * (1 + tolerance) };
}
