import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Test, type TestingModule } from '@nestjs/testing';
import { LockModule, LockService, LockStoreError, LockTimeoutError } from 'nestjs-locker';
import { TestLockStore, UnlockedStore, withoutLocks } from 'nestjs-locker/testing';
import { InvoiceService } from './invoice.service.js';
import { TaxAuthority } from './tax-authority.js';

describe('InvoiceService', () => {
  let store: TestLockStore;
  let app: TestingModule;
  let invoices: InvoiceService;

  beforeEach(async () => {
    store = new TestLockStore();
    app = await Test.createTestingModule({
      imports: [LockModule.forRoot({ store })],
      providers: [InvoiceService, TaxAuthority],
    }).compile();
    await app.init();
    invoices = app.get(InvoiceService);
  });
  afterEach(() => app.close());

  it('skips the report while somebody else makes it', async () => {
    await store.busy('report');
    expect(await invoices.report()).toBeUndefined();

    await store.free('report');
    expect(await invoices.report()).toBe('made');
  });

  it('waits for its turn', async () => {
    await store.busy('invoice:42');
    const issued = invoices.issue('42');
    await store.free('invoice:42');
    expect(await issued).toBe('issued');
  });

  it('gives up after five seconds', async () => {
    await store.busy('invoice:42');
    const refused = invoices.issue('42').catch((error: unknown) => error);
    await store.clock.advance('5s'); // no time passes
    expect(await refused).toBeInstanceOf(LockTimeoutError);
  });

  it('cancels what it did without its lock', async () => {
    app.get(TaxAuthority).submit = () => store.forceLose('invoice:42');
    expect(await invoices.issue('42')).toBe('cancelled');
  });

  it('issues nothing while Redis is out of reach', async () => {
    store.fail('acquire');
    await expect(invoices.issue('42')).rejects.toThrow(LockStoreError);
    expect(app.get(TaxAuthority).submitted).toEqual([]);
  });

  it('fails after two seconds if Redis says nothing', async () => {
    store.fail('acquire', { error: 'hang' });
    const refused = invoices.issue('42').catch((error: unknown) => error);
    await store.clock.advance('2s');
    expect(await refused).toBeInstanceOf(LockStoreError);
  });

  it('gives the lock back', async () => {
    await invoices.issue('42');
    expect(await app.get(LockService).inspect('invoice:42')).toBeNull();
  });
});

describe('InvoiceService without locks', () => {
  it('runs without Nest', async () => {
    const authority = new TaxAuthority();
    const locks = { current: () => undefined } as unknown as LockService;
    const invoices = withoutLocks(new InvoiceService(locks, authority));
    expect(await invoices.issue('42')).toBe('issued');
  });

  it('runs in an application that locks nothing', async () => {
    const app = await Test.createTestingModule({
      imports: [LockModule.forRoot({ store: new UnlockedStore() })],
      providers: [InvoiceService, TaxAuthority],
    }).compile();
    await app.init();
    const twice = [app.get(InvoiceService).report(), app.get(InvoiceService).report()];
    expect(await Promise.all(twice)).toEqual(['made', 'made']);
    await app.close();
  });
});
