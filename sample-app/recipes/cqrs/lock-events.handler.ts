import { EventsHandler, type IEventHandler } from '@nestjs/cqrs';
import { Processed } from 'nestjs-locker';
import { Journal } from './journal.js';

/** What becomes of what is done once is an event like any other. */
@EventsHandler(Processed)
export class ProcessedHandler implements IEventHandler<Processed> {
  constructor(private readonly journal: Journal) {}

  handle({ event }: Processed): void {
    this.journal.add(`"${event.name}" is processed`);
  }
}
