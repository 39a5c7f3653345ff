import { describe, expect, it, jest } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { FingerprintError, Locked, LockReentryError } from 'nestjs-locker';
import { errorOf } from '../support/lock-service.js';
import { startApp } from './fixtures/app.js';

interface Invoice {
  readonly id: number;
  readonly amount?: number;
}

const work = jest.fn<(...args: unknown[]) => unknown>();

@Injectable()
class Invoices {
  readonly currency: string = '€';

  @Locked('invoice:<id>', { once: '30d' })
  async submit(id: number): Promise<unknown> {
    return work(id);
  }

  @Locked('invoice:<id>', { once: { storeResult: true } })
  async stored(id: number): Promise<unknown> {
    return work(id);
  }

  @Locked('invoice:<invoice.id>', { once: { fingerprint: true } })
  async printed(invoice: Invoice): Promise<unknown> {
    return work(invoice);
  }

  @Locked('invoice:<invoice.id>', {
    once: {
      fingerprint(this: Invoices, { amount }: Invoice) {
        return [this.currency, amount];
      },
    },
  })
  async printedInPart(invoice: Invoice, _by: string): Promise<unknown> {
    return work(invoice);
  }

  @Locked((ids: number[]) => ids.map((id) => `invoice:${id}`), { once: '30d' })
  async several(ids: number[]): Promise<unknown> {
    return work(ids);
  }

  @Locked('invoice:<id>')
  async correct(id: number): Promise<unknown> {
    return this.submit(id);
  }
}

@Injectable()
class SpecialInvoices extends Invoices {
  override async stored(id: number): Promise<unknown> {
    return `special ${String(await super.stored(id))}`;
  }
}

const start = async () => {
  work.mockReset();
  work.mockImplementation((id) => `done ${String(id)}`);
  const { app } = await startApp({ providers: [Invoices, SpecialInvoices] });
  return { app, service: app.get(Invoices) };
};

describe('what @Locked with once takes for the same', () => {
  it('tells the same key with other arguments', async () => {
    const { service } = await start();
    await service.printed({ id: 7, amount: 1 });
    await service.printed({ amount: 1, id: 7 });
    const error = await errorOf(service.printed({ id: 7, amount: 2 }));
    expect(error).toBeInstanceOf(FingerprintError);
    expect(error).toMatchObject({ lockName: 'invoice:7', record: { state: 'processed' } });
    expect(work).toHaveBeenCalledTimes(1);
  });

  it('compares what a function gives, which is called on the object with all arguments', async () => {
    const { service } = await start();
    await service.printedInPart({ id: 7, amount: 1 }, 'ann');
    await service.printedInPart({ id: 7, amount: 1 }, 'bob');
    const other = service.printedInPart({ id: 7, amount: 2 }, 'ann');
    expect(await errorOf(other)).toBeInstanceOf(FingerprintError);
    const others = Object.assign(service, { currency: '$' });
    const call = others.printedInPart({ id: 7, amount: 1 }, 'ann');
    expect(await errorOf(call)).toBeInstanceOf(FingerprintError);
  });

  it('takes one name of a function, and refuses several', async () => {
    const { service } = await start();
    await service.several([7]);
    await service.several([7]);
    expect(work).toHaveBeenCalledTimes(1);
    const error = await errorOf(service.several([8, 9]));
    expect(error).toMatchObject({ code: 'LOCK_KEY', message: expect.stringContaining('2') });
    expect(work).toHaveBeenCalledTimes(1);
  });

  it('is no part of a lock of the same name', async () => {
    const { service } = await start();
    expect(await errorOf(service.correct(7))).toBeInstanceOf(LockReentryError);
    expect(work).not.toHaveBeenCalled();
  });

  it('is inherited, and shares its keys with what extends it', async () => {
    const { app, service } = await start();
    const special = app.get(SpecialInvoices);
    expect(await special.submit(7)).toBe('done 7');
    expect(await service.submit(7)).toBeUndefined();
    expect(await special.stored(8)).toBe('special done 8');
    expect(await special.stored(8)).toBe('special done 8');
    expect(work).toHaveBeenCalledTimes(2);
  });
});
