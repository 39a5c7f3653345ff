import { resolveModuleOptions } from '../lock-module-options.js';
import { LockOptionsError } from '../lock.errors.js';
import { LockService } from '../lock.service.js';
import { declaredOn } from '../locked-service-property.js';
import { UnlockedStore } from './unlocked.store.js';

/**
 * Lets the decorated methods of an object run without Nest, and without locking anything.
 *
 * @throws LockOptionsError if the object's class has no decorated method
 * @example
 * const invoices = withoutLocks(new InvoiceService(repository));
 * await invoices.issue(invoice);
 */
export function withoutLocks<T extends object>(object: T): T {
  const properties = declaredOn(Object.getPrototypeOf(object));
  if (properties.size === 0) {
    throw new LockOptionsError(
      `withoutLocks: ${object.constructor.name} has no method decorated with @Locked.`,
    );
  }
  const service = new LockService(resolveModuleOptions({ store: new UnlockedStore() }));
  for (const property of properties.values()) Reflect.set(object, property, service);
  return object;
}
