import { describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import {
  LockBusyError,
  LockKeyError,
  Locked,
  LockModule,
  LockOptionsError,
  LockService,
  LockServiceMissingError,
} from 'nestjs-locker';
import { withoutLocks } from 'nestjs-locker/testing';
import { lastValueFrom, Observable, of } from 'rxjs';
import { errorOf } from '../support/lock-service.js';
import { startApp } from './fixtures/app.js';

interface Invoice {
  readonly id?: unknown;
  readonly customer?: { readonly id?: unknown };
}

@Injectable()
class InvoiceService {
  @Locked('invoice:<invoice.customer.id>')
  async issue(invoice: Invoice): Promise<string> {
    return `issued ${JSON.stringify(invoice)}`;
  }

  @Locked('list')
  list(): Observable<string> {
    return of('one');
  }

  @Locked('rows')
  async *rows(): AsyncGenerator<string> {
    yield 'one';
  }

  @Locked((invoice: Invoice) => invoice.id as string)
  async byFunction(invoice: Invoice): Promise<Invoice> {
    return invoice;
  }

  @Locked('billing', { using: 'billing' })
  async bill(): Promise<string> {
    return 'billed';
  }
}

const invoice = { customer: { id: 7 } };

describe('new InvoiceService() without Nest', () => {
  it('says what to do when a locked method is called', async () => {
    const error = await errorOf(new InvoiceService().issue(invoice));
    expect(error).toBeInstanceOf(LockServiceMissingError);
    expect((error as Error).message).toBe(
      'InvoiceService.issue is decorated with @Locked, but Nest did not make the object it was called on, so there is no LockService. ' +
        "In a test, make it with Test.createTestingModule({ imports: [LockModule.forRoot({ store: 'memory' })], providers: [InvoiceService] }), " +
        "or call withoutLocks(object) of 'nestjs-locker/testing' first.",
    );
  });

  it('says so as each kind of method fails: the Observable and the generator when they start', async () => {
    const service = new InvoiceService();
    await expect(lastValueFrom(service.list())).rejects.toThrow(LockServiceMissingError);
    await expect(service.rows().next()).rejects.toThrow(LockServiceMissingError);
  });

  it('says so for a method without its object', async () => {
    const issue = Reflect.get(InvoiceService.prototype, 'issue') as InvoiceService['issue'];
    await expect(issue.call(undefined as unknown as InvoiceService, invoice)).rejects.toThrow(
      LockServiceMissingError,
    );
    await expect(issue.call({} as InvoiceService, invoice)).rejects.toThrow(
      LockServiceMissingError,
    );
  });

  it('works with withoutLocks(), all instances named or not', async () => {
    const service = withoutLocks(new InvoiceService());
    expect(await service.issue(invoice)).toContain('issued');
    expect(await Promise.all([service.issue(invoice), service.issue(invoice)])).toHaveLength(2);
    expect(await lastValueFrom(service.list())).toBe('one');
    expect((await service.rows().next()).value).toBe('one');
    expect(await service.bill()).toBe('billed');
    expect(Object.keys(service)).toEqual([]);
  });

  it('withoutLocks() still finds a key of no use', async () => {
    await expect(withoutLocks(new InvoiceService()).issue({})).rejects.toThrow(LockKeyError);
  });

  it('withoutLocks() refuses an object without decorated methods', () => {
    class Plain {}
    expect(() => withoutLocks(new Plain())).toThrow(LockOptionsError);
    expect(() => withoutLocks(new Plain())).toThrow(
      'withoutLocks: Plain has no method decorated with @Locked.',
    );
  });

  it('withoutLocks() switches off the locks of an object that Nest made', async () => {
    @Injectable()
    class Service {
      @Locked('key', { wait: 0 })
      async run(): Promise<string> {
        return 'done';
      }
    }

    const { app, store } = await startApp({ providers: [Service] });
    await store.busy('key');
    await expect(app.get(Service).run()).rejects.toThrow(LockBusyError);
    expect(await withoutLocks(app.get(Service)).run()).toBe('done');
  });
});

describe('a key of no use', () => {
  const INVALID = [undefined, null, '', Number.NaN, {}, [1], () => 1, Symbol('id')];

  it.each(INVALID)('names class, method, placeholder and value: %p', async (id) => {
    const service = withoutLocks(new InvoiceService());
    const error = await errorOf(service.issue({ customer: { id } }));
    expect(error).toBeInstanceOf(LockKeyError);
    expect((error as Error).message).toMatch(
      /^InvoiceService\.issue: <invoice\.customer\.id> of the key template "invoice:<invoice\.customer\.id>" is .+\. .+\.$/,
    );
  });

  it.each(INVALID)('of a function names class and method: %p', async (id) => {
    const error = await errorOf(withoutLocks(new InvoiceService()).byFunction({ id }));
    expect(error).toBeInstanceOf(LockKeyError);
    expect((error as Error).message).toMatch(/^InvoiceService\.byFunction: The lock name /);
  });

  it('of a template that is too long names class and method', async () => {
    const id = 'x'.repeat(5_000);
    const error = await errorOf(withoutLocks(new InvoiceService()).issue({ customer: { id } }));
    expect(error).toBeInstanceOf(LockKeyError);
    expect((error as Error).message).toMatch(/^InvoiceService\.issue: The lock name .+ 4096/);
  });

  it("passes on what the function itself throws, as the call's own failure", async () => {
    const call = withoutLocks(new InvoiceService()).byFunction(undefined as unknown as Invoice);
    await expect(call).rejects.toThrow(TypeError);
  });

  it('in a template is found when the class is defined', () => {
    const define = () => {
      class Service {
        @Locked('invoice:<invioce.id>')
        async issue(given: Invoice, amount: number): Promise<unknown> {
          return [given, amount];
        }
      }
      return Service;
    };
    expect(define).toThrow(LockOptionsError);
    expect(define).toThrow(
      'Service.issue: the key template "invoice:<invioce.id>" has <invioce.id>, which is no parameter. ' +
        'Its parameters: given, amount. Write one of them, a position such as <0.id>, or a function of the arguments.',
    );
  });

  it('no text or function at all is found there too', () => {
    const define = () => {
      class Service {
        @Locked(7 as unknown as string)
        async issue(): Promise<void> {}
      }
      return Service;
    };
    expect(define).toThrow(
      "Service.issue: the key of @Locked is 7; write a template such as 'invoice:<id>', or a function.",
    );
  });
});

describe('the process', () => {
  it('gets no listeners', async () => {
    const count = () => process.eventNames().map((name) => [name, process.listenerCount(name)]);
    const before = count();
    const { app, locks } = await startApp({
      imports: [LockModule.forRoot({ name: 'billing', store: 'memory' })],
      providers: [InvoiceService],
    });
    await app.get(InvoiceService).issue(invoice);
    expect(locks).toBeInstanceOf(LockService);
    expect(count()).toEqual(before);
  });
});
