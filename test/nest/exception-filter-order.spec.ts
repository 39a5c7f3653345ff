import { describe, expect, it } from '@jest/globals';
import {
  type ArgumentsHost,
  Catch,
  Controller,
  type ExceptionFilter,
  Get,
  Injectable,
  Module,
  Scope,
  UseFilters,
} from '@nestjs/common';
import {
  APP_FILTER,
  ApplicationConfig,
  ExternalContextCreator,
  HttpAdapterHost,
} from '@nestjs/core';
import { Test } from '@nestjs/testing';
import {
  LockBusyError,
  Locked,
  LockError,
  LockExceptionFilter,
  LockModule,
  LockOptionsError,
  lockProblemOf,
  StaleFencingTokenError,
} from 'nestjs-locker';
import { TestLockStore } from 'nestjs-locker/testing';
import { afterTest, errorOf, RecordingLogger } from '../support/lock-service.js';
import { type AppMetadata, startApp, startHttpApp } from './fixtures/app.js';

/** Answers in the application's own way. */
abstract class Own implements ExceptionFilter {
  constructor(private readonly adapterHost: HttpAdapterHost) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const body = { by: this.constructor.name, code: lockProblemOf(error)?.code };
    this.adapterHost.httpAdapter.reply(host.switchToHttp().getResponse(), body, 418);
  }
}

@Catch(LockBusyError)
class OwnBusyFilter extends Own {
  constructor(adapterHost: HttpAdapterHost) {
    super(adapterHost);
  }
}

@Catch()
class OwnCatchAll extends Own {
  constructor(adapterHost: HttpAdapterHost) {
    super(adapterHost);
  }
}

@Injectable({ scope: Scope.REQUEST })
@Catch(LockBusyError)
class OwnRequestFilter extends Own {
  constructor(adapterHost: HttpAdapterHost) {
    super(adapterHost);
  }
}

/** Catches what the library's own does not. */
@Catch(LockError)
class WiderFilter extends LockExceptionFilter {
  constructor(adapterHost: HttpAdapterHost) {
    super(adapterHost);
  }
}

@Controller()
class InvoiceController {
  @Get('issue')
  @Locked('invoice:7', { wait: 0 })
  async issue(): Promise<string> {
    return 'issued';
  }

  @Get('own')
  @UseFilters(OwnBusyFilter)
  @Locked('invoice:7', { wait: 0 })
  async own(): Promise<string> {
    return 'issued';
  }

  @Get('filtered')
  @UseFilters(LockExceptionFilter)
  @Locked('invoice:7', { wait: 0 })
  async filtered(): Promise<string> {
    return 'issued';
  }
}

@Module({ providers: [{ provide: APP_FILTER, useClass: OwnBusyFilter }] })
class FilterModule {}

type Prepare = NonNullable<Parameters<typeof startHttpApp>[2]>;

async function start(metadata: AppMetadata = {}, prepare?: Prepare) {
  const started = await startHttpApp(
    { ...metadata, controllers: [InvoiceController] },
    'express',
    prepare,
  );
  await started.store.busy('invoice:7');
  const get = async (path: string): Promise<{ status: number; body: unknown }> => {
    const response = await fetch(`${started.url}/${path}`);
    return { status: response.status, body: await response.json() };
  };
  return { ...started, get };
}

const PROBLEM = { status: 409, body: expect.objectContaining({ code: 'LOCK_BUSY' }) };
const ERROR = { status: 500, body: { statusCode: 500, message: 'Internal server error' } };

describe("an application's own filter comes first", () => {
  const answeredBy = (by: string) => ({ status: 418, body: { by, code: 'LOCK_BUSY' } });

  it('of a method', async () => {
    const { get } = await start();
    expect(await get('own')).toEqual(answeredBy('OwnBusyFilter'));
    expect(await get('issue')).toEqual(PROBLEM);
  });

  it.each([OwnBusyFilter, OwnCatchAll, OwnRequestFilter])(
    'for all, by the root module: %p',
    async (useClass) => {
      const { get } = await start({ providers: [{ provide: APP_FILTER, useClass }] });
      expect(await get('issue')).toEqual(answeredBy(useClass.name));
    },
  );

  it('for all, by another module', async () => {
    const { get } = await start({ imports: [FilterModule] });
    expect(await get('issue')).toEqual(answeredBy('OwnBusyFilter'));
  });

  it.each([OwnBusyFilter, OwnCatchAll])('for all, by the application: %p', async (OwnFilter) => {
    const { get } = await start({}, (app) =>
      app.useGlobalFilters(new OwnFilter(app.get(HttpAdapterHost))),
    );
    expect(await get('issue')).toEqual(answeredBy(OwnFilter.name));
  });

  it('unless the library one is put before it by hand', async () => {
    const providers = [
      { provide: APP_FILTER, useClass: OwnCatchAll },
      { provide: APP_FILTER, useClass: LockExceptionFilter },
    ];
    const { get } = await start({ providers });
    expect(await get('issue')).toEqual(PROBLEM);
  });
});

describe('LockExceptionFilter can be left out', () => {
  it('with exceptionFilter: false', async () => {
    const { get } = await start({ locks: { exceptionFilter: false } });
    expect(await get('issue')).toEqual(ERROR);
    expect(await get('filtered')).toEqual(PROBLEM);
  });

  it.each([
    [false, ERROR],
    [true, PROBLEM],
    [undefined, PROBLEM],
  ])('of forRootAsync too: %s', async (exceptionFilter, answer) => {
    const useFactory = () => ({ store: new TestLockStore() });
    const named = LockModule.forRootAsync({ name: 'other', exceptionFilter, useFactory });
    const { get } = await start({ locks: { exceptionFilter: false }, imports: [named] });
    expect(await get('issue')).toEqual(answer);
  });

  it('and be used by hand', async () => {
    const { get } = await start({ locks: { exceptionFilter: false } }, (app) =>
      app.useGlobalFilters(new LockExceptionFilter(app.get(HttpAdapterHost))),
    );
    expect(await get('issue')).toEqual(PROBLEM);
  });

  it.each(['no', null, 0])('with nothing else: %p', (exceptionFilter: any) => {
    expect(() => LockModule.forRoot({ exceptionFilter })).toThrow(LockOptionsError);
    expect(() => LockModule.forRoot({ exceptionFilter })).toThrow(/"exceptionFilter".*write false/);
  });
});

describe('LockExceptionFilter', () => {
  it('is registered once, however many instances there are', async () => {
    const named = ['a', 'b'].map((name) =>
      LockModule.forRoot({ name, store: new TestLockStore() }),
    );
    const { app } = await startApp({ imports: named });
    const filters = app.get(ApplicationConfig).getGlobalFilters();
    expect(filters).toEqual([expect.any(LockExceptionFilter)]);
  });

  it('can be registered in an application that has no locks of its own', async () => {
    @Controller('ledger')
    class LedgerController {
      @Get()
      write(): never {
        throw new StaleFencingTokenError('account:7', 5, 9);
      }
    }
    const module = await Test.createTestingModule({
      controllers: [LedgerController],
      providers: [{ provide: APP_FILTER, useClass: LockExceptionFilter }],
    })
      .setLogger(new RecordingLogger())
      .compile();
    const app = module.createNestApplication();
    afterTest(() => app.close());
    await app.listen(0, '127.0.0.1');
    const answer = await fetch(`${await app.getUrl()}/ledger`);
    expect(answer.status).toBe(412);
    expect(await answer.json()).toMatchObject({
      code: 'LOCK_STALE_FENCING_TOKEN',
      fencingToken: 5,
    });
  });

  it('says what it wants to be made with', async () => {
    const { app } = await start();
    for (const wrong of [undefined, null, app.getHttpAdapter()] as any[]) {
      expect(() => new LockExceptionFilter(wrong)).toThrow(LockOptionsError);
      expect(() => new LockExceptionFilter(wrong)).toThrow(/app\.get\(HttpAdapterHost\)/);
    }
  });

  it('hands back what it has no answer for, should a subclass catch it', async () => {
    const { app } = await start();
    const filter = new WiderFilter(app.get(HttpAdapterHost));
    const fault = new LockOptionsError('wrong');
    expect(() => filter.catch(fault, {} as ArgumentsHost)).toThrow(fault);
  });

  it.each(['necord', 'http'])('leaves errors in contexts of others to those: %s', async (type) => {
    const { app, store } = await startApp({ providers: [InvoiceController] });
    const commands = app.get(InvoiceController);
    const issue: () => Promise<string> = Reflect.get(commands, 'issue');
    const nothing = [undefined, undefined, undefined, undefined, undefined] as const;
    const command = app
      .get(ExternalContextCreator)
      .create<never, string>(commands, issue, 'issue', ...nothing, type);
    await store.busy('invoice:7');
    expect(await errorOf(command())).toBeInstanceOf(LockBusyError);
    await store.free('invoice:7');
    expect(await command()).toBe('issued');
  });
});
