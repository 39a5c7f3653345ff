import { readFileSync } from 'node:fs';
import { expect, it } from '@jest/globals';
import { parseInvoices } from '../worker/invoice.repository.ts';
import { generateInvoices, toCsv } from './generate-invoices.ts';

const file = readFileSync(new URL('./invoices.csv', import.meta.url), 'utf8');

it('the data file is what the generator writes', () => {
  expect(file).toBe(toCsv(generateInvoices(1_000)));
});

it('the repository reads back what the generator made', () => {
  const invoices = parseInvoices(file);
  expect(invoices).toEqual(generateInvoices(1_000));
  expect(new Set(invoices.map(({ number }) => number)).size).toBe(1_000);
});
