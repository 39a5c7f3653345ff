import { describe, expect, it } from '@jest/globals';
import { type ProcessRecord, WAIT_BUCKETS_MS } from '../../stores/report.interface.js';
import { FleetHistory, quantile } from './fleet-history.js';

const NONE = WAIT_BUCKETS_MS.map(() => 0).concat(0);

interface Did {
  readonly acquired?: number;
  readonly lost?: number;
  readonly buckets?: readonly number[];
  readonly startedAt?: number;
}

const record = (
  id: string,
  { acquired = 0, lost = 0, buckets = NONE, startedAt = 0 }: Did = {},
): ProcessRecord => ({
  id,
  process: { service: 'billing', host: 'a', pid: 1 },
  startedAt: new Date(startedAt),
  reportedAt: new Date(0),
  held: 2,
  waiting: 1,
  counts: { acquired, busy: 0, released: 0, lost },
  waits: { buckets, sumMs: 0 },
});

/** Looks at 100,000 and every two seconds from there on. */
function historyOf(...looks: ProcessRecord[][]) {
  const history = new FleetHistory(1_000);
  looks.forEach((processes, i) => history.add(100_000 + i * 2_000, processes));
  return history.points();
}

describe('FleetHistory', () => {
  it('has no curve after one look', () => {
    expect(historyOf([record('a', { acquired: 500 })])).toEqual([]);
  });

  it('tells what all processes did, per second', () => {
    const points = historyOf(
      [record('a', { acquired: 500 }), record('b', { acquired: 7 })],
      [record('a', { acquired: 520, lost: 1 }), record('b', { acquired: 27 })],
    );
    expect(points).toMatchObject([{ atMs: 102_000, acquired: 20, lost: 0.5, held: 4, waiting: 2 }]);
  });

  it('counts nothing twice, and nothing as negative, where processes come and go', () => {
    const points = historyOf(
      [record('a', { acquired: 500 })],
      [record('new', { acquired: 8, startedAt: 101_000 })],
      [
        record('new', { acquired: 8, startedAt: 101_000 }),
        record('out of sight', { acquired: 900 }),
      ],
    );
    expect(points.map(({ acquired }) => acquired)).toEqual([4, 2]);
  });

  it('tells a rate of the last ten seconds', () => {
    const looks = [0, 100, 100, 100, 100, 100, 100, 100].map((acquired) => [
      record('a', { acquired }),
    ]);
    const rates = historyOf(...looks).map(({ acquired }) => acquired);
    expect(rates).toEqual([50, 25, 16.67, 12.5, 10, 0, 0]);
  });

  it('tells how long waits took that ended since, and nothing where none did', () => {
    const buckets = NONE.map((_, i) => (WAIT_BUCKETS_MS[i] === 100 ? 10 : 0));
    const before = NONE.map((_, i) => (i === 0 ? 1_000 : 0));
    const points = historyOf(
      [record('a', { buckets: before })],
      [record('a', { buckets: before })],
      [record('a', { buckets: before.map((count, i) => count + buckets[i]!) })],
    );
    expect(points).toMatchObject([
      { waitP50: null, waitP95: null },
      { waitP50: 75, waitP95: 97.5 },
    ]);
  });

  it('looks at most so often, and remembers a bounded number of looks', () => {
    const history = new FleetHistory(1_000);
    history.add(0, []);
    history.add(999, []);
    history.add(1_000, []);
    expect(history.points()).toHaveLength(1);
    for (let i = 2; i < 1_000; i++) history.add(i * 1_000, []);
    expect(history.points()).toHaveLength(299);
  });
});

describe('quantile', () => {
  it('is the last bound for what is longer', () => {
    expect(
      quantile(
        NONE.map((_, i) => (i === NONE.length - 1 ? 3 : 0)),
        0.5,
      ),
    ).toBe(300_000);
  });
});
