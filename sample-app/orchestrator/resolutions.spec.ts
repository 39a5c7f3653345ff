import { expect, it } from '@jest/globals';
import { formatResolutions } from './resolutions.ts';

it('has a row for what one replica began at one time, and the authority has or has not', () => {
  const since = new Date('2026-10-31T12:00:00.250Z');
  const earlier = new Date('2026-10-31T11:59:59.000Z');
  const table = formatResolutions([
    { invoice: 'INV-12', begunBy: 'replica-2', since, fencingToken: 9, hasArrived: false },
    { invoice: 'INV-000013', begunBy: 'replica-2', since, fencingToken: 9, hasArrived: true },
    { invoice: 'INV-000011', begunBy: 'replica-2', since, fencingToken: 9, hasArrived: true },
    { invoice: 'INV-07', begunBy: 'replica-1', since: earlier, fencingToken: 5, hasArrived: true },
  ]);
  const [, , ...rows] = table.split('\n').map((line) => line.trim().split(/ {2,}/));
  expect(rows).toEqual([
    ['replica-1', '11:59:59.000', '5', 'yes', 'done', 'INV-07'],
    ['replica-2', '12:00:00.250', '9', 'yes', 'done', 'INV-000011 013'],
    ['replica-2', '12:00:00.250', '9', 'no', 'open again', 'INV-12'],
  ]);
});
