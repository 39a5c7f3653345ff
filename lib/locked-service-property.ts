import { Inject } from '@nestjs/common';
import { getLockServiceToken } from './inject-lock-service.decorator.js';
import { LockServiceMissingError } from './lock.errors.js';
import type { LockService } from './lock.service.js';

/** The properties under which the instances of a class find their services, by `using`. */
const declared = new WeakMap<object, Map<string | undefined, symbol>>();

/**
 * Has Nest inject a `LockService` into every instance of a class, whatever its scope, under a
 * symbol: no name of the user's can collide with it. Nest shows the symbol where the service is
 * missing, so it says what to import.
 */
export function declareLockService(prototype: object, using: string | undefined): symbol {
  const known = declaredOn(prototype).get(using);
  if (known) return known;
  const property = Symbol.for(`LockService for @Locked: ${howToProvide(using)}`);
  Inject(getLockServiceToken(using))(prototype, property);
  Object.defineProperty(prototype, property, {
    configurable: true,
    get: () => undefined,
    // Not enumerable, so that no copy, log or comparison of the user's instances shows it.
    set(this: object, service: LockService) {
      Object.defineProperty(this, property, {
        value: service,
        configurable: true,
        writable: true,
      });
    },
  });
  const own = declared.get(prototype) ?? new Map<string | undefined, symbol>();
  declared.set(prototype, own.set(using, property));
  return property;
}

/** What to write where a `LockService` is missing, within a message. */
export function howToProvide(using: string | undefined): string {
  const options = using === undefined ? '…' : `{ name: '${using}', … }`;
  return `add LockModule.forRoot(${options}) to the imports of your root module`;
}

/** What was declared for a class and for those that it extends. */
export function declaredOn(prototype: object): ReadonlyMap<string | undefined, symbol> {
  const all = new Map<string | undefined, symbol>();
  for (let level: object | null = prototype; level; level = Object.getPrototypeOf(level)) {
    for (const [using, property] of declared.get(level) ?? []) all.set(using, property);
  }
  return all;
}

/** @throws LockServiceMissingError if the instance was not made by Nest */
export function lockServiceOf(instance: unknown, property: symbol, owner: string): LockService {
  const service = (instance as Record<symbol, LockService | undefined> | undefined)?.[property];
  if (service) return service;
  throw new LockServiceMissingError(
    `${owner} is decorated with @Locked, but Nest did not make the object it was called on, so there is no LockService. ` +
      `In a test, make it with Test.createTestingModule({ imports: [LockModule.forRoot({ store: 'memory' })], providers: [${owner.split('.')[0]}] }), ` +
      `or call withoutLocks(object) of 'nestjs-locker/testing' first.`,
  );
}
