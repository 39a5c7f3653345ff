import { expect, it } from '@jest/globals';
import { formatTable } from './table.ts';

it('sets the first column to the left, the others to the right, under one line', () => {
  const table = formatTable([
    ['', 'with locks', 'without'],
    'line',
    ['invoices', '1,000', '1,000'],
    ['who', '', ''],
    ['  replica-1', '7', '12,345'],
  ]);
  expect(table).toBe(
    [
      '                with locks   without',
      '  ──────────────────────────────────',
      '  invoices           1,000     1,000',
      '  who',
      '    replica-1            7    12,345',
    ].join('\n'),
  );
});
