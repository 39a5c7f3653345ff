import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { CommandBus, CqrsModule } from '@nestjs/cqrs';
import { Test, type TestingModule } from '@nestjs/testing';
import { LockModule, LockService, OutcomeUnknownError } from 'nestjs-locker';
import { TestLockStore } from 'nestjs-locker/testing';
import { IssueInvoice, IssueInvoiceHandler } from './issue-invoice.handler.js';

describe('the command', () => {
  let app: TestingModule;
  let locks: LockService;
  const execute = () => app.get(CommandBus).execute(new IssueInvoice(42));

  beforeEach(async () => {
    app = await Test.createTestingModule({
      imports: [LockModule.forRoot({ store: new TestLockStore() }), CqrsModule.forRoot()],
      providers: [IssueInvoiceHandler],
    }).compile();
    await app.init();
    locks = app.get(LockService);
  });
  afterEach(() => app.close());

  it('is not executed again while nobody knows whether it was', async () => {
    const diedInTheMiddle = locks.once(
      'issue-invoice:42',
      () => Promise.reject(new Error('cut off')),
      {
        unknownIf: () => true,
      },
    );
    await expect(diedInTheMiddle).rejects.toThrow('cut off');
    await expect(execute()).rejects.toThrow(OutcomeUnknownError);

    await locks.outcomes.resolve('issue-invoice:42', 'retry');
    await execute();
    expect((await locks.outcomes.of('issue-invoice:42'))?.state).toBe('processed');
  });

  it('is executed although something else was done once with the invoice', async () => {
    await locks.once('invoice:42', () => 'sent');
    await execute();
    expect(await locks.outcomes.of('issue-invoice:42')).not.toBeNull();
  });
});
