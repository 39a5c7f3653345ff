/** One line of the data file. */
export interface Invoice {
  readonly number: string;
  readonly date: string;
  readonly customer: string;
  readonly country: string;
  /** A decimal string: money is never a float. */
  readonly amount: string;
  readonly currency: string;
}

/** The columns of the data file, in their order. */
export const INVOICE_COLUMNS = [
  'number',
  'date',
  'customer',
  'country',
  'amount',
  'currency',
] as const satisfies readonly (keyof Invoice)[];
