import { describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import {
  CommandBus,
  CommandHandler,
  CqrsModule,
  EventBus,
  EventsHandler,
  type ICommandHandler,
  type IEventHandler,
  type IQueryHandler,
  QueryBus,
  QueryHandler,
} from '@nestjs/cqrs';
import { LockBusyError, Locked, LockService } from 'nestjs-locker';
import { until } from '../support/until.js';
import { startApp } from './fixtures/app.js';

class IssueInvoice {
  constructor(readonly id: number) {}
}

class FindInvoice {
  constructor(readonly id: number) {}
}

class InvoiceIssued {
  constructor(readonly id: number) {}
}

@Injectable()
class Seen {
  readonly names: (string | undefined)[] = [];
}

@CommandHandler(IssueInvoice)
class IssueInvoiceHandler implements ICommandHandler<IssueInvoice> {
  constructor(
    private readonly locks: LockService,
    private readonly events: EventBus,
  ) {}

  @Locked('invoice:<command.id>', { wait: 0 })
  async execute(command: IssueInvoice): Promise<string> {
    this.events.publish(new InvoiceIssued(command.id));
    return `${command.id}:${this.locks.current()?.name}`;
  }
}

@QueryHandler(FindInvoice)
class FindInvoiceHandler implements IQueryHandler<FindInvoice> {
  constructor(private readonly locks: LockService) {}

  @Locked('find:<id>')
  async execute({ id }: FindInvoice): Promise<string> {
    return `${id}:${this.locks.current()?.name}`;
  }
}

@EventsHandler(InvoiceIssued)
class InvoiceIssuedHandler implements IEventHandler<InvoiceIssued> {
  constructor(
    private readonly locks: LockService,
    private readonly seen: Seen,
  ) {}

  @Locked('issued:<event.id>', { onBusy: 'skip' })
  async handle(event: InvoiceIssued): Promise<void> {
    this.seen.names.push(this.locks.current()?.name ?? `none for ${event.id}`);
  }
}

describe('@nestjs/cqrs', () => {
  const start = async () => {
    const handlers = [IssueInvoiceHandler, FindInvoiceHandler, InvoiceIssuedHandler];
    return startApp({ imports: [CqrsModule.forRoot()], providers: [Seen, ...handlers] });
  };

  it('executes a command under the lock, and handles its event', async () => {
    const { app, store } = await start();
    const { names } = app.get(Seen);
    expect(await app.get(CommandBus).execute(new IssueInvoice(7))).toBe('7:invoice:7');
    await until(() => names.length > 0, { what: 'the event is handled' });
    expect(names).toEqual(['issued:7']);

    await store.busy('invoice:8');
    await expect(app.get(CommandBus).execute(new IssueInvoice(8))).rejects.toThrow(LockBusyError);
    expect(names).toHaveLength(1);
  });

  it('executes a query under the lock', async () => {
    const { app } = await start();
    expect(await app.get(QueryBus).execute(new FindInvoice(7))).toBe('7:find:7');
  });
});
