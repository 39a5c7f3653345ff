export class InvoiceIssued {
  constructor(readonly id: number) {}
}
