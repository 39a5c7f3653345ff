import type { Observable } from 'rxjs';
import {
  type AcquireOptions,
  refuseUnknownOptions,
  resolveAcquireOptions,
} from './core/acquire-options.js';
import { describeValue } from './core/describe-value.js';
import { checkLockName } from './core/lock-name.js';
import { compileKeyTemplate, type KeyOf, type MethodLocation } from './key-template.js';
import {
  LockKeyError,
  LockOptionsError,
  type LockBusyError,
  type LockLostError,
} from './lock.errors.js';
import { kindOfMethod, type MethodKind, originalOf, replaceMethod } from './locked-method.js';
import { type LockedCall, runLocked } from './locked-call.js';
import { declareLockService, lockServiceOf } from './locked-service-property.js';

/**
 * What an `onBusy` function is told.
 *
 * @example
 * onBusy: ({ name, args }: BusyContext) => ({ skipped: name, args })
 */
export interface BusyContext {
  /** The name that is taken. */
  readonly name: string;
  readonly args: readonly unknown[];
  /** The object that the method was called on. */
  readonly instance: object;
  readonly error: LockBusyError;
}

/**
 * How a decorated method takes its lock, and what happens where it cannot.
 *
 * @example
 * @Locked('nightly-report', { onBusy: 'skip', ttl: '1 minute' })
 */
export interface LockedOptions extends Omit<AcquireOptions, 'signal'> {
  /** The name of the `LockModule` instance to use. Default: the one without a name. */
  readonly using?: string;
  /**
   * Somebody else holds the lock: `'throw'` a LockBusyError, `'skip'` the method (it returns
   * undefined), or return what a function gives. The latter two do not wait unless `wait` is given.
   * Default: `'throw'`.
   */
  readonly onBusy?: 'throw' | 'skip' | ((context: BusyContext) => unknown);
  /**
   * Called, with the loss and the method's arguments and on its object, if the lock was lost before
   * the method ended; what it returns is the call's result.
   */
  readonly compensate?: (this: any, loss: LockLostError, ...args: any[]) => unknown;
  /** What the method returns, where neither its kind nor its metadata tells. */
  readonly returns?: MethodKind;
}

/**
 * What a lock can be held around: nothing that has a result before the lock is held.
 *
 * @example
 * type Report = () => LockableResult;
 */
export type LockableResult = PromiseLike<any> | Observable<any> | AsyncGenerator<any, any, any>;

/**
 * A method decorator for methods that return a promise, an Observable or an async generator.
 *
 * The compiler refuses it on others. `applyDecorators` of Nest does not know such decorators.
 *
 * @example
 * const OncePerFleet = () => applyDecorators(Locked('report') as MethodDecorator);
 */
export type LockedDecorator<Args extends readonly unknown[] = any[]> = <
  Method extends (...args: any[]) => LockableResult,
>(
  target: object,
  propertyKey: string | symbol,
  descriptor: TypedPropertyDescriptor<Method> &
    (Parameters<Method> extends [...Args, ...any[]] ? unknown : { keyTakesOtherArguments: Args }),
) => void;

const KNOWN = new Set([
  'ttl',
  'wait',
  'maxHold',
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
 * @Locked((from: Account, to: Account) => `transfer:${from.id}`)
 * async transfer(from: Account, to: Account): Promise<void> { … }
 */
export function Locked(key: string, options?: LockedOptions): LockedDecorator;
export function Locked<Args extends readonly unknown[]>(
  key: (this: any, ...args: Args) => string,
  options?: LockedOptions,
): LockedDecorator<Args>;
export function Locked(
  key: string | ((...args: any[]) => string),
  options: LockedOptions = {},
): LockedDecorator {
  return (target, propertyKey, descriptor: PropertyDescriptor) => {
    const where = locate(target, propertyKey);
    const owner = `${where.className}.${where.methodName}`;
    const method = methodOf(target, descriptor, owner);
    const acquireOptions = checkOptions(options, owner);
    const nameOf = checkedNameOf(compileKey(key, originalOf(method), where, owner), owner);
    const kind = kindOfMethod(target, propertyKey, method, options.returns, owner);
    const property = declareLockService(target, options.using);

    descriptor.value = replaceMethod(method, (instance, args, proceed) => {
      const call: LockedCall = {
        owner,
        instance,
        args,
        proceed,
        acquireOptions,
        onBusy: options.onBusy ?? 'throw',
        compensate: options.compensate,
        service: () => lockServiceOf(instance, property, owner),
        name: () => nameOf(instance, args),
      };
      return runLocked(kind, call);
    });
  };
}

function locate(target: object | undefined, propertyKey: string | symbol): MethodLocation {
  if (target === undefined || typeof propertyKey === 'object') {
    throw new LockOptionsError(
      '@Locked is a decorator of the kind that Nest uses: set "experimentalDecorators": true in tsconfig.json.',
    );
  }
  const isStatic = typeof target === 'function';
  const className = isStatic ? target.name : target.constructor.name;
  const parameterTypes: unknown[] | undefined = Reflect.getMetadata(
    'design:paramtypes',
    target,
    propertyKey,
  );
  return { className, methodName: String(propertyKey), parameterTypes };
}

function methodOf(
  target: object,
  descriptor: PropertyDescriptor | undefined,
  owner: string,
): (...args: unknown[]) => unknown {
  if (typeof target === 'function') {
    throw new LockOptionsError(
      `${owner} is static: @Locked needs a method of an object that Nest makes. Make it an instance method, or use LockService.withLock.`,
    );
  }
  if (typeof descriptor?.value === 'function') {
    return descriptor.value as (...args: unknown[]) => unknown;
  }
  throw new LockOptionsError(`${owner} is no method: put @Locked on a method of a class.`);
}

/** What the calls pass on to `withLock`, checked once for all of them. */
function checkOptions(options: LockedOptions, owner: string): AcquireOptions {
  const what = `@Locked on ${owner}`;
  refuseUnknownOptions(options, KNOWN, what);
  const { using, onBusy = 'throw', compensate, returns: _returns, ...given } = options;
  if (onBusy !== 'throw' && onBusy !== 'skip' && typeof onBusy !== 'function') {
    throw new LockOptionsError(
      `${what}: "onBusy" is ${describeValue(onBusy)}; write 'throw', 'skip' or a function.`,
    );
  }
  if (compensate !== undefined && typeof compensate !== 'function') {
    throw new LockOptionsError(
      `${what}: "compensate" is ${describeValue(compensate)}; write a function.`,
    );
  }
  if (using !== undefined && (typeof using !== 'string' || using === '')) {
    throw new LockOptionsError(
      `${what}: "using" is ${describeValue(using)}; write the name of a LockModule.`,
    );
  }
  resolveAcquireOptions(given, { ttlMs: 0, waitMs: 0 }, what);
  return onBusy === 'throw' ? given : { ...given, wait: given.wait ?? 0 };
}

function compileKey(key: unknown, method: Function, where: MethodLocation, owner: string): KeyOf {
  if (typeof key === 'string') return compileKeyTemplate(key, method, where);
  if (typeof key === 'function') return (instance, args) => Reflect.apply(key, instance, args);
  throw new LockOptionsError(
    `${owner}: the key of @Locked is ${describeValue(key)}; write a template such as 'invoice:<id>', or a function.`,
  );
}

/** A name that is none is told with the method that it was made for. */
function checkedNameOf(keyOf: KeyOf, owner: string): KeyOf {
  return (instance, args) => {
    const name: unknown = keyOf(instance, args);
    try {
      return checkLockName(name);
    } catch (error) {
      throw new LockKeyError(`${owner}: ${(error as Error).message}`);
    }
  };
}
