import { CommandHandler, EventBus, type ICommandHandler } from '@nestjs/cqrs';
import { Locked } from 'nestjs-locker';
import { InvoiceIssued } from './invoice-issued.event.js';

export class IssueInvoice {
  constructor(readonly id: number) {}
}

@CommandHandler(IssueInvoice)
export class IssueInvoiceHandler implements ICommandHandler<IssueInvoice> {
  constructor(private readonly events: EventBus) {}

  // A command that comes twice, to whichever replica, is executed once. If a replica died while it
  // executed it, nobody does it again before somebody has looked.
  @Locked('issue-invoice:<command.id>', { once: { onUnknown: 'hold' }, maxHold: '1 minute' })
  async execute(command: IssueInvoice): Promise<void> {
    this.events.publish(new InvoiceIssued(command.id));
  }
}
