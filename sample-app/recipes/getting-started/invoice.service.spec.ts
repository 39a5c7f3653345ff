import { describe, expect, it } from '@jest/globals';
import { Test } from '@nestjs/testing';
import { LockModule, LockTimeoutError } from 'nestjs-locker';
import { TestLockStore } from 'nestjs-locker/testing';
import { InvoiceService } from './invoice.service.js';

describe('InvoiceService', () => {
  it('issues no invoice that somebody else is issuing', async () => {
    const store = new TestLockStore(); // in memory, with a clock that the test moves
    const app = await Test.createTestingModule({
      imports: [LockModule.forRoot({ store })],
      providers: [InvoiceService],
    }).compile();
    await app.init();

    await store.busy('invoice:42');
    const refused = app
      .get(InvoiceService)
      .issue('42')
      .catch((error: unknown) => error);
    await store.clock.advance('5s');
    expect(await refused).toBeInstanceOf(LockTimeoutError);
  });
});
