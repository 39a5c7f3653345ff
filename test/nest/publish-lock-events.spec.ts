import { describe, expect, it } from '@jest/globals';
import { Injectable, Module, type ModuleMetadata } from '@nestjs/common';
import { CqrsModule, EventBus, EventsHandler, type IEventHandler } from '@nestjs/cqrs';
import { EventEmitter2, EventEmitterModule, OnEvent } from '@nestjs/event-emitter';
import {
  Compensated,
  getLockServiceToken,
  LockLost,
  LockModule,
  LockOptionsError,
  LockService,
  OutcomeUnknown,
  Processed,
  publishLockEvents,
} from 'nestjs-locker';
import { TestLockStore } from 'nestjs-locker/testing';
import { errorOf, eventsOf, lockApp, RecordingLogger } from '../support/lock-service.js';
import { until } from '../support/until.js';
import { startApp } from './fixtures/app.js';

type Published = LockLost | Processed | OutcomeUnknown | Compensated;

const ALL = [LockLost, Processed, OutcomeUnknown, Compensated];

@Injectable()
class Seen {
  readonly published: Published[] = [];
}

@EventsHandler(LockLost, Processed, OutcomeUnknown, Compensated)
class AuditHandler implements IEventHandler<Published> {
  constructor(private readonly seen: Seen) {}

  handle(event: Published): void {
    this.seen.published.push(event);
  }
}

@EventsHandler(LockLost)
class FailingHandler implements IEventHandler<LockLost> {
  handle({ event }: LockLost): never {
    throw new Error(`cannot page about ${event.name}`);
  }
}

@Injectable()
class Listeners {
  constructor(private readonly seen: Seen) {}

  @OnEvent(LockLost.topic)
  lost(event: LockLost): void {
    this.seen.published.push(event);
    throw new Error('cannot page');
  }

  @OnEvent(Processed.topic)
  processed(event: Processed): void {
    this.seen.published.push(event);
  }

  @OnEvent(OutcomeUnknown.topic)
  unknown(event: OutcomeUnknown): void {
    this.seen.published.push(event);
  }

  @OnEvent(Compensated.topic)
  compensated(event: Compensated): void {
    this.seen.published.push(event);
  }
}

/** One of each kind happens, and much that is not published. */
async function haveAllHappen(locks: LockService, store: TestLockStore): Promise<void> {
  const lose = async () => {
    await store.forceLose('invoice:7');
    await store.free('invoice:7');
  };
  await locks.withLock('invoice:7', lose, { compensate: () => undefined });
  const failing = () => lose().then(() => Promise.reject(new Error('mine')));
  expect(await errorOf(locks.once('invoice:7', failing))).toMatchObject({ message: 'mine' });
  await locks.once('invoice:7', () => 'done');
  await store.busy('invoice:8');
  expect(await locks.tryAcquire('invoice:8')).toBeNull();
}

const EXPECTED = [
  ['LockLost', 'lost'],
  ['Compensated', 'compensated'],
  ['LockLost', 'lost'],
  ['OutcomeUnknown', 'outcome-unknown'],
  ['Processed', 'processed'],
];

const namesOf = (published: readonly Published[]) =>
  published.map(({ constructor, event }) => [constructor.name, event.type]);

describe('publishLockEvents', () => {
  const buses: [string, ModuleMetadata][] = [
    [
      'EventBus of @nestjs/cqrs',
      {
        imports: [CqrsModule.forRoot()],
        providers: [Seen, FailingHandler, AuditHandler, publishLockEvents(EventBus)],
      },
    ],
    [
      'EventEmitter2 of @nestjs/event-emitter',
      {
        imports: [EventEmitterModule.forRoot()],
        providers: [Seen, Listeners, publishLockEvents(EventEmitter2)],
      },
    ],
  ];

  it.each(buses)(
    'has events arrive through %s, whatever its handlers do',
    async (_bus, metadata) => {
      const { app, locks, store } = await startApp(metadata);
      const events = eventsOf(locks);
      await haveAllHappen(locks, store);
      const { published } = app.get(Seen);
      await until(() => published.length >= EXPECTED.length, { what: 'all are published' });
      expect(namesOf(published)).toEqual(EXPECTED);
      const types = new Set(published.map(({ event }) => event.type));
      const original = events.filter(({ type }) => types.has(type as never));
      expect(published.map(({ event }) => event)).toEqual(original);
      published.forEach(({ event }, i) => expect(event).toBe(original[i]));
      expect(events.length).toBeGreaterThan(published.length);
    },
  );

  it('has topics that one pattern finds', async () => {
    @Injectable()
    class Wildcard {
      readonly published: Published[] = [];

      @OnEvent('lock.*')
      all(event: Published): void {
        this.published.push(event);
      }
    }
    const { app, locks, store } = await startApp({
      imports: [EventEmitterModule.forRoot({ wildcard: true })],
      providers: [Wildcard, publishLockEvents(EventEmitter2)],
    });
    await haveAllHappen(locks, store);
    expect(namesOf(app.get(Wildcard).published)).toEqual(EXPECTED);
    expect(new Set(ALL.map(({ topic }) => topic)).size).toBe(ALL.length);
  });

  it('needs neither package: what publishes or emits will do', async () => {
    const [published, emitted]: [Published[], unknown[][]] = [[], []];
    const bus = { published, publish: (event: object) => bus.published.push(event as Published) };
    const emitter = { emitted, emit: (...args: unknown[]) => emitter.emitted.push(args) };
    const { locks, store } = await startApp({
      providers: [
        { provide: 'bus', useValue: bus },
        { provide: 'emitter', useValue: emitter },
        publishLockEvents('bus'),
        publishLockEvents('emitter'),
      ],
    });
    await haveAllHappen(locks, store);
    expect(namesOf(published)).toEqual(EXPECTED);
    expect(emitted.map(([topic]) => topic)).toEqual(
      published.map(({ constructor }) => (constructor as typeof LockLost).topic),
    );
    expect(emitted.map(([, event]) => event)).toEqual(published);
  });

  it.each([
    ['later', () => Promise.reject(new Error('broker down'))],
    [
      'at once',
      () => {
        throw new Error('broker down');
      },
    ],
  ])(
    'logs what could not be published, and costs neither lock nor process (%s)',
    async (_when, publish) => {
      const logger = new RecordingLogger();
      const providers = [{ provide: 'bus', useValue: { publish } }, publishLockEvents('bus')];
      const app = await lockApp({ store: 'memory', logger, providers });
      const result = await app.get(LockService).once('invoice:1', () => 'done');
      expect(result).toEqual({ status: 'executed', result: 'done' });
      const line = 'error Processed of "invoice:1" was not published: broker down';
      await until(() => logger.lines.includes(line), { what: 'it is logged' });
    },
  );

  it('publishes what happens to the instance that is named, and to no other', async () => {
    const [store, published] = [new TestLockStore(), [] as Published[]];
    const bus = { publish: (event: object) => published.push(event as Published) };
    const { app, locks } = await startApp({
      imports: [LockModule.forRoot({ name: 'billing', store })],
      providers: [
        { provide: 'bus', useValue: bus },
        publishLockEvents('bus', { using: 'billing' }),
      ],
    });
    await locks.once('invoice:1', () => 'done');
    const billing = app.get<LockService>(getLockServiceToken('billing'));
    await billing.once('invoice:2', () => 'done');
    expect(published.map(({ event }) => event)).toMatchObject([{ name: 'invoice:2' }]);
  });

  it('publishes what happens in a module of its own', async () => {
    @Module({
      imports: [EventEmitterModule.forRoot()],
      providers: [Seen, Listeners, publishLockEvents(EventEmitter2)],
    })
    class AuditModule {}
    const { app, locks } = await startApp({ imports: [AuditModule] });
    await locks.once('invoice:1', () => 'done');
    expect(namesOf(app.get(Seen).published)).toEqual([['Processed', 'processed']]);
  });

  it.each([
    ['an object with other methods', { send: () => undefined }, '[Object]'],
    ['a class, not its instance', class Bus {}, '[class Bus]'],
    ['a text', 'bus', '"bus"'],
  ])('does not start with what can neither publish nor emit: %s', async (_what, bus, shown) => {
    const start = lockApp({
      store: 'memory',
      providers: [{ provide: 'bus', useValue: bus }, publishLockEvents('bus')],
    });
    const error = await errorOf(start);
    expect(error).toBeInstanceOf(LockOptionsError);
    expect(error).toMatchObject({
      message: `publishLockEvents: ${shown} has neither "publish" nor "emit"; give it EventBus of @nestjs/cqrs or EventEmitter2 of @nestjs/event-emitter.`,
    });
  });

  it('does not start without the module of what it is given', async () => {
    const start = startApp({ providers: [publishLockEvents(EventBus)] });
    expect(await errorOf(start)).toMatchObject({ message: expect.stringContaining('EventBus') });
  });
});
