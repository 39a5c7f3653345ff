const ascending = (values) => values.toSorted((a, b) => a - b);

/** The value that `share` of all are not above. NaN where there is none. */
export function percentile(values, share) {
  if (values.length === 0) return NaN;
  return ascending(values)[Math.max(0, Math.ceil(values.length * share) - 1)];
}

export function median(values) {
  if (values.length === 0) return NaN;
  const sorted = ascending(values);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

export const sum = (values) => values.reduce((total, value) => total + value, 0);

/** Not Math.max(...values): there may be more of them than a call takes arguments. */
export const largest = (values) => values.reduce((most, value) => Math.max(most, value), -Infinity);
export const smallest = (values) =>
  values.reduce((least, value) => Math.min(least, value), Infinity);
