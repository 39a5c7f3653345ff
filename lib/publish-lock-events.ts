import { type InjectionToken, Logger, type Provider } from '@nestjs/common';
import type {
  ElementProcessedEvent,
  LockCompensatedEvent,
  LockEvent,
  LockLostEvent,
  OutcomeUnknownEvent,
} from './core/lock-events.js';
import { describeValue } from './core/describe-value.js';
import { getLockServiceToken } from './inject-lock-service.decorator.js';
import { LockOptionsError } from './lock.errors.js';
import type { LockService } from './lock.service.js';

/**
 * A lock ended without its holder's doing; `lock.lost` of an event emitter.
 *
 * @example
 * @EventsHandler(LockLost)
 * export class PageOnLoss implements IEventHandler<LockLost> {
 *   handle({ event }: LockLost) { page(event.name); }
 * }
 */
export class LockLost {
  static readonly topic = 'lock.lost';
  constructor(readonly event: LockLostEvent) {}
}

/**
 * An element is marked as processed; `lock.processed` of an event emitter.
 *
 * @example
 * @OnEvent(Processed.topic)
 * count({ event }: Processed) { … }
 */
export class Processed {
  static readonly topic = 'lock.processed';
  constructor(readonly event: ElementProcessedEvent) {}
}

/**
 * An element was met whose outcome nobody knows; `lock.outcome-unknown` of an event emitter.
 *
 * @example
 * @OnEvent(OutcomeUnknown.topic)
 * report({ event }: OutcomeUnknown) { … }
 */
export class OutcomeUnknown {
  static readonly topic = 'lock.outcome-unknown';
  constructor(readonly event: OutcomeUnknownEvent) {}
}

/**
 * `compensate` has taken care of a loss; `lock.compensated` of an event emitter.
 *
 * @example
 * @EventsHandler(Compensated)
 * export class AuditCompensation implements IEventHandler<Compensated> {
 *   handle({ event }: Compensated) { audit(event.name); }
 * }
 */
export class Compensated {
  static readonly topic = 'lock.compensated';
  constructor(readonly event: LockCompensatedEvent) {}
}

/**
 * Where events are published: an `EventBus` of `@nestjs/cqrs`, or an `EventEmitter2` of
 * `@nestjs/event-emitter`.
 *
 * @example
 * const publisher: LockEventPublisher = app.get(EventBus);
 */
export type LockEventPublisher =
  { publish(event: object): unknown } | { emit(topic: string, event: object): unknown };

/**
 * A provider that publishes what matters to an application through its own event bus.
 *
 * @param publisher the class that is injected: `EventBus` or `EventEmitter2`
 * @param options `using`: the name of the `LockModule` whose events they are
 * @throws LockOptionsError at start, if what is injected can neither publish nor emit
 * @example
 * @Module({ imports: [CqrsModule.forRoot(), LockModule.forRoot()], providers: [publishLockEvents(EventBus)] })
 * export class AppModule {}
 */
export function publishLockEvents(
  publisher: InjectionToken<LockEventPublisher>,
  { using }: { readonly using?: string } = {},
): Provider {
  return {
    provide: Symbol('nestjs-locker:publisher'),
    inject: [getLockServiceToken(using), publisher],
    useFactory: (locks: LockService, given: unknown) => {
      const publish = publisherOf(given);
      return locks.events$.subscribe((event) => {
        const published = toPublished(event);
        if (published) void publishSafely(publish, published);
      });
    },
  };
}

const logger = new Logger('publishLockEvents');

/** A bus that fails must not cost a lock, nor the process. */
async function publishSafely(
  publish: (event: Published) => unknown,
  event: Published,
): Promise<void> {
  try {
    await publish(event);
  } catch (error) {
    const reason = error instanceof Error ? error.message : describeValue(error);
    logger.error(`${event.constructor.name} of "${event.event.name}" was not published: ${reason}`);
  }
}

type Published = LockLost | Processed | OutcomeUnknown | Compensated;

function toPublished(event: LockEvent): Published | undefined {
  switch (event.type) {
    case 'lost':
      return new LockLost(event);
    case 'processed':
      return new Processed(event);
    case 'outcome-unknown':
      return new OutcomeUnknown(event);
    case 'compensated':
      return new Compensated(event);
    default:
      return undefined;
  }
}

function publisherOf(given: unknown): (event: Published) => unknown {
  const { publish, emit } = (given ?? {}) as { publish?: unknown; emit?: unknown };
  if (typeof publish === 'function') return (event) => publish.call(given, event) as unknown;
  if (typeof emit === 'function') {
    return (event) =>
      emit.call(given, (event.constructor as typeof LockLost).topic, event) as unknown;
  }
  throw new LockOptionsError(
    `publishLockEvents: ${describeValue(given)} has neither "publish" nor "emit"; give it EventBus of @nestjs/cqrs or EventEmitter2 of @nestjs/event-emitter.`,
  );
}
