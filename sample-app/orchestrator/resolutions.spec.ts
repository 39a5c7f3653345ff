import { expect, it } from '@jest/globals';
import { formatResolutions } from './resolutions.ts';

it('has a line for what one replica began at one time, and the authority has or has not', () => {
  const since = new Date('2026-10-31T12:00:00.250Z');
  const earlier = new Date('2026-10-31T11:59:59.000Z');
  const lines = formatResolutions([
    { invoice: 'INV-12', begunBy: 'replica-2', since, fencingToken: 9, hasArrived: false },
    { invoice: 'INV-000013', begunBy: 'replica-2', since, fencingToken: 9, hasArrived: true },
    { invoice: 'INV-000011', begunBy: 'replica-2', since, fencingToken: 9, hasArrived: true },
    { invoice: 'INV-07', begunBy: 'replica-1', since: earlier, fencingToken: 5, hasArrived: true },
  ]);
  expect(lines).toEqual([
    'of replica-1 had arrived, so done: INV-07',
    'of replica-2 had arrived, so done: INV-000011 013',
    'of replica-2 had not arrived, so open again: INV-12',
  ]);
});
