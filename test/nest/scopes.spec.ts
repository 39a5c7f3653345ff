import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Inject, Injectable, Module, Scope } from '@nestjs/common';
import { ContextIdFactory, ModuleRef } from '@nestjs/core';
import { Test, type TestingModule } from '@nestjs/testing';
import { Locked, LockModule, LockService } from 'nestjs-locker';
import { withoutLocks } from 'nestjs-locker/testing';
import { RecordingLogger } from '../support/lock-service.js';
import { startApp } from './fixtures/app.js';

class Counter {
  /** The name of the lock that the call ran under. */
  @Locked('count:<id>')
  async count(id: number): Promise<string | undefined> {
    return current?.(id);
  }
}

let current: ((id: number) => string | undefined) | undefined;

@Injectable()
class Singleton extends Counter {}

@Injectable({ scope: Scope.REQUEST })
class RequestScoped extends Counter {}

@Injectable({ scope: Scope.TRANSIENT })
class Transient extends Counter {}

@Injectable()
class Consumer {
  constructor(
    readonly transient: Transient,
    @Inject('transient factory') readonly transientOfFactory: Counter,
  ) {}
}

@Injectable({ scope: Scope.REQUEST })
class RequestConsumer {
  constructor(
    readonly requested: RequestScoped,
    readonly transient: Transient,
    @Inject('request factory') readonly requestedOfFactory: Counter,
    @Inject('transient factory') readonly transientOfFactory: Counter,
  ) {}
}

@Injectable()
class Early extends Counter {
  inOnModuleInit: string | undefined;

  constructor(
    @Inject('factory') private readonly counter: Counter,
    private readonly locks: LockService,
  ) {
    super();
  }

  async onModuleInit(): Promise<void> {
    current = () => this.locks.current()?.name;
    this.inOnModuleInit = await this.counter.count(0);
  }
}

describe.each([true, false])('a decorated method, with isGlobal: %s', (isGlobal) => {
  let app: TestingModule;
  const locks = LockModule.forRoot({ store: 'memory', isGlobal });

  @Module({
    imports: [locks],
    providers: [
      Singleton,
      RequestScoped,
      Transient,
      Consumer,
      RequestConsumer,
      Early,
      { provide: 'factory', useFactory: () => new Counter() },
      { provide: 'async factory', useFactory: async () => new Counter() },
      { provide: 'factory with inject', inject: [Singleton], useFactory: () => new Counter() },
      { provide: 'request factory', scope: Scope.REQUEST, useFactory: () => new Counter() },
      { provide: 'transient factory', scope: Scope.TRANSIENT, useFactory: () => new Counter() },
      { provide: 'value', useValue: new Counter() },
      { provide: 'class', useClass: Singleton },
      { provide: 'alias', useExisting: 'factory' },
      { provide: 'nothing', useFactory: () => null },
      { provide: 'frozen', useFactory: () => Object.freeze(Object.create(null)) },
      { provide: 'function', useFactory: () => () => 1 },
    ],
  })
  class AppModule {}

  beforeAll(async () => {
    app = await Test.createTestingModule({ imports: [AppModule] })
      .setLogger(new RecordingLogger())
      .compile();
    await app.init();
    const service = app.get(LockService, { strict: false });
    current = () => service.current()?.name;
  });
  afterAll(() => app.close());

  it.each([
    Singleton,
    'factory',
    'async factory',
    'factory with inject',
    'value',
    'class',
    'alias',
  ])('locks on the singleton %p', async (token) => {
    expect(await app.get<Counter>(token, { strict: false }).count(1)).toBe('count:1');
  });

  it('locks in onModuleInit on what a factory made', () => {
    expect(app.get(Early, { strict: false })).toHaveProperty('inOnModuleInit', 'count:0');
  });

  it('locks on the transient providers of a singleton', async () => {
    const consumer = app.get(Consumer, { strict: false });
    expect(await consumer.transient.count(1)).toBe('count:1');
    expect(await consumer.transientOfFactory.count(1)).toBe('count:1');
  });

  it('locks on what is made for a request', async () => {
    const contextId = ContextIdFactory.create();
    const consumer = await app.resolve(RequestConsumer, contextId, { strict: false });
    expect(await consumer.requested.count(1)).toBe('count:1');
    expect(await consumer.transient.count(2)).toBe('count:2');
    expect(await consumer.requestedOfFactory.count(3)).toBe('count:3');
    expect(await consumer.transientOfFactory.count(4)).toBe('count:4');
  });

  it('locks on what is resolved or created by hand', async () => {
    const options = { strict: false };
    const contextId = ContextIdFactory.create();
    expect(await (await app.resolve(Transient, contextId, options)).count(1)).toBe('count:1');
    const created = await app.select(AppModule).get(ModuleRef).create(Singleton);
    expect(await created.count(2)).toBe('count:2');
  });
});

describe('an instance that several applications provide', () => {
  const shared = new Counter();
  const providers = [{ provide: Counter, useValue: shared }];

  it('locks with the one that started last', async () => {
    const first = await startApp({ providers });
    const second = await startApp({ providers });
    await first.store.busy('count:1');
    current = () => second.locks.current()?.name;
    expect(await shared.count(1)).toBe('count:1');
  });

  it('is left alone where its locks are switched off', async () => {
    const unlocked = withoutLocks(new Counter());
    const { store } = await startApp({ providers: [{ provide: Counter, useValue: unlocked }] });
    await store.busy('count:1');
    current = () => 'ran';
    expect(await unlocked.count(1)).toBe('ran');
  });
});
