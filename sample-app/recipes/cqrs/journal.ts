import { Injectable } from '@nestjs/common';
import { EventsHandler, type IEventHandler } from '@nestjs/cqrs';
import { InvoiceIssued } from './invoice-issued.event.js';

/** Of all replicas. */
const lines: string[] = [];

@Injectable()
export class Journal {
  readonly lines: readonly string[] = lines;

  add(line: string): void {
    lines.push(line);
  }
}

@EventsHandler(InvoiceIssued)
export class InvoiceIssuedHandler implements IEventHandler<InvoiceIssued> {
  constructor(private readonly journal: Journal) {}

  handle({ id }: InvoiceIssued): void {
    this.journal.add(`invoice ${id} is issued`);
  }
}
