import { pathToFileURL } from 'node:url';
import { mulberry32 } from '../shared/mulberry32.ts';
import { INVOICE_COLUMNS, type Invoice } from '../worker/invoice.interface.ts';

/**
 * Writes the data file, always the same:
 *   node dist/sample-app/sample-app/data/generate-invoices.js > sample-app/data/invoices.csv
 */
const FIRST_WORDS =
  'Alder Baltic Cedar Delta Elbe Fjord Granite Harbour Iris Juniper Kestrel Linden Meridian Nordic Orchard Poplar Quarry Rhine Summit Tallinn'.split(
    ' ',
  );
const TRADES =
  'Bakery,Bicycles,Books,Ceramics,Clinic,Dental Supplies,Electronics,Foods,Freight,Furniture,Instruments,Logistics,Optics,Outdoor,Paper,Printing,Textiles,Tools'.split(
    ',',
  );
const MARKETS = [
  { country: 'AT', currency: 'EUR', form: 'GmbH' },
  { country: 'CH', currency: 'CHF', form: 'AG' },
  { country: 'DE', currency: 'EUR', form: 'GmbH' },
  { country: 'FR', currency: 'EUR', form: 'SARL' },
  { country: 'GB', currency: 'GBP', form: 'Ltd' },
  { country: 'IT', currency: 'EUR', form: 'S.r.l.' },
  { country: 'PL', currency: 'PLN', form: 'Sp. z o.o.' },
  { country: 'SE', currency: 'SEK', form: 'AB' },
  { country: 'US', currency: 'USD', form: 'Inc.' },
];
const DAY_MS = 86_400_000;

export function generateInvoices(count: number): Invoice[] {
  const random = mulberry32(20261031);
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)]!;
  const firstDay = Date.UTC(2026, 9, 1);

  return Array.from({ length: count }, (_, index) => {
    const market = pick(MARKETS);
    return {
      number: `INV-2026-${String(index + 1).padStart(6, '0')}`,
      date: new Date(firstDay + Math.floor((index * 31) / count) * DAY_MS)
        .toISOString()
        .slice(0, 10),
      customer: `${pick(FIRST_WORDS)} ${pick(TRADES)} ${market.form}`,
      country: market.country,
      amount: (20 + random() ** 3 * 9_980).toFixed(2),
      currency: market.currency,
    };
  });
}

export function toCsv(invoices: readonly Invoice[]): string {
  const lines = invoices.map((invoice) =>
    INVOICE_COLUMNS.map((column) => invoice[column]).join(','),
  );
  return [INVOICE_COLUMNS.join(','), ...lines, ''].join('\n');
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  process.stdout.write(toCsv(generateInvoices(1_000)));
}
