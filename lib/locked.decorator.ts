import { type AcquireOptions, resolveAcquireOptions } from './core/acquire-options.js';
import { describeValue } from './core/describe-value.js';
import { checkLockName } from './core/lock-name.js';
import {
  compileKey,
  decorateMethod,
  type LockDecoration,
  type LockedDecorator,
  type LockedMethodOptions,
} from './lock-decorator.js';
import { LockKeyError, LockOptionsError } from './lock.errors.js';

/**
 * How a decorated method takes its lock, and what happens where it cannot.
 *
 * @example
 * @Locked('nightly-report', { onBusy: 'skip', ttl: '1 minute' })
 */
export interface LockedOptions
  extends Omit<AcquireOptions, 'signal' | 'onWaiting'>, LockedMethodOptions {}

const KNOWN = new Set([
  'ttl',
  'wait',
  'maxHold',
  'minHold',
  'minReplicas',
  'mode',
  'reentrant',
  'renew',
  'using',
  'onBusy',
  'compensate',
  'returns',
]);

/**
 * Runs the method under a lock.
 *
 * The key is a template: `<id>` is the parameter of that name (or, of a single parameter, its
 * property), `<invoice.customer.id>` a path, `<0.id>` a position, `<this.tenant>` the object. Or it
 * is a function of the method's arguments, called on its object.
 *
 * An array of templates locks several names, all or none; a function may return several, too.
 *
 * @throws LockOptionsError when the class is defined, if key, options or method do not fit
 * @throws LockBusyError from the call, unless `onBusy` says otherwise; all that `acquire` throws
 * @throws LockKeyError from the call, if a value in the key is missing, empty or has no text
 * @throws LockLostError from the call, if the method returned although its lock was lost
 * @throws LockServiceMissingError from the call, on an object that Nest did not make
 * @example
 * @Locked('invoice:<invoice.id>')
 * async issue(invoice: Invoice): Promise<void> { … }
 *
 * @Cron('0 3 * * *')
 * @Locked('nightly-report', { onBusy: 'skip' })
 * async report(): Promise<void> { … }
 *
 * @Locked(['account:<from.id>', 'account:<to.id>'])
 * async transfer(from: Account, to: Account): Promise<void> { … }
 *
 * @Locked((invoice: Invoice) => `customer:${invoice.customer.id}`, { mode: 'shared' })
 * async print(invoice: Invoice): Promise<void> { … }
 */
export function Locked(key: string | readonly string[], options?: LockedOptions): LockedDecorator;
export function Locked<Args extends readonly unknown[]>(
  key: (this: any, ...args: Args) => string | readonly string[],
  options?: LockedOptions,
): LockedDecorator<Args>;
export function Locked(
  key: string | readonly string[] | ((...args: any[]) => string | readonly string[]),
  options: LockedOptions = {},
): LockedDecorator {
  const { using: _using, onBusy = 'throw', compensate: _c, returns: _r, ...given } = options ?? {};
  const acquireOptions = onBusy === 'throw' ? given : { ...given, wait: given.wait ?? 0 };
  const decoration: LockDecoration<string | readonly string[]> = {
    decorator: '@Locked',
    options,
    known: KNOWN,
    check: (what) => void resolveAcquireOptions(given, { ttlMs: 0, waitMs: 0 }, () => what),
    hold: (service, names, work, holdOptions) =>
      service.withLock(names, work, { ...acquireOptions, ...holdOptions }),
  };
  return (target, propertyKey, descriptor: PropertyDescriptor) =>
    decorateMethod(decoration, target, propertyKey, descriptor, (method, where, owner) => {
      if (typeof key === 'function') return checkedNamesOf(key, owner);
      if (!Array.isArray(key)) return compileKey(key, method, where, owner, '@Locked');
      if (key.length === 0) {
        throw new LockOptionsError(
          `${owner}: the list of keys of @Locked is empty; write at least one.`,
        );
      }
      const keys = key.map((each) => compileKey(each, method, where, owner, '@Locked'));
      return (instance, args) => keys.map((nameOf) => nameOf(instance, args));
    });
}

/** Names that are none are told with the method that they were made for. */
function checkedNamesOf(key: (...args: any[]) => string | readonly string[], owner: string) {
  return (instance: object, args: readonly unknown[]): string | readonly string[] => {
    const names: unknown = Reflect.apply(key, instance, args);
    try {
      if (!Array.isArray(names)) return checkLockName(names);
      if (names.length > 0) return names.map((name) => checkLockName(name));
    } catch (error) {
      throw new LockKeyError(`${owner}: ${(error as Error).message}`);
    }
    throw new LockKeyError(
      `${owner}: the function returned ${describeValue(names)}; return at least one name.`,
    );
  };
}
