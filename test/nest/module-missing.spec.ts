import { describe, expect, it, jest } from '@jest/globals';
import { Controller, Get, Injectable, Module, Scope } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import { Locked, LockModule, LockService } from 'nestjs-locker';

@Injectable()
class InvoiceService {
  @Locked('invoice:<id>')
  async issue(id: number): Promise<string> {
    return `issued ${id}`;
  }
}

const MENDED_BY =
  'LockService for @Locked: add LockModule.forRoot(…) to the imports of your root module';

describe('without LockModule imported', () => {
  const failureToStart = async (options: Parameters<typeof Module>[0]): Promise<string> => {
    @Module(options)
    class AppModule {}

    return NestFactory.createApplicationContext(AppModule, {
      logger: false,
      abortOnError: false,
    }).then(
      () => 'it started',
      (error: Error) => error.message,
    );
  };

  it('the application does not start, and the message names the missing import', async () => {
    const message = await failureToStart({ providers: [InvoiceService] });
    expect(message).toContain('dependencies of the InvoiceService');
    expect(message).toContain(MENDED_BY);
  });

  it('nor with a controller', async () => {
    @Controller()
    class InvoiceController {
      @Get()
      @Locked('list')
      async list(): Promise<string[]> {
        return [];
      }
    }

    expect(await failureToStart({ controllers: [InvoiceController] })).toContain(MENDED_BY);
  });

  // Nest 11 looks for the properties of these when it makes one, not at start.
  it.each([Scope.REQUEST, Scope.TRANSIENT])('nor is a provider of scope %i made', async (scope) => {
    @Injectable({ scope })
    class Scoped {
      @Locked('list')
      async list(): Promise<string[]> {
        return [];
      }
    }

    const making = Test.createTestingModule({ providers: [Scoped] })
      .compile()
      .then((app) => app.resolve(Scoped));
    await expect(making).rejects.toThrow(MENDED_BY);
  });

  it('names the instance that is missing', async () => {
    @Injectable()
    class BillingService {
      @Locked('invoice:<id>', { using: 'billing' })
      async bill(id: number): Promise<number> {
        return id;
      }
    }

    const message = await failureToStart({
      imports: [LockModule.forRoot({ store: 'memory' })],
      providers: [BillingService],
    });
    expect(message).toContain(
      "add LockModule.forRoot({ name: 'billing', … }) to the imports of your root module",
    );
  });

  it('nor for a provider that a factory made', async () => {
    const provider = { provide: InvoiceService, useFactory: () => new InvoiceService() };
    const message = await failureToStart({
      imports: [LockModule.forRoot({ name: 'billing', store: 'memory' })],
      providers: [provider],
    });
    expect(message).toBe(
      'InvoiceService has a method decorated with @Locked, but there is no LockService for it: ' +
        'add LockModule.forRoot(…) to the imports of your root module.',
    );
  });
});

describe('overrideProvider(LockService)', () => {
  it('reaches decorated methods', async () => {
    const withLock = jest.fn((name: string, work: (lock: unknown) => unknown, _options: object) =>
      work({ name }),
    );
    const app = await Test.createTestingModule({
      imports: [LockModule.forRoot({ redis: 'redis://nowhere.invalid' })],
      providers: [InvoiceService],
    })
      .overrideProvider(LockService)
      .useValue({ withLock })
      .compile();
    await app.init();

    expect(await app.get(InvoiceService).issue(7)).toBe('issued 7');
    expect(withLock).toHaveBeenCalledWith('invoice:7', expect.any(Function), expect.any(Object));
    await app.close();
  });
});
