import type { Observable } from 'rxjs';
import { LONGEST_LABEL, MIN_HOLD_BOUNDS, refuseUnknownOptions } from './core/acquire-options.js';
import { describeValue } from './core/describe-value.js';
import { type Duration, parseDuration } from './core/duration.js';
import { checkCompensate, type WithLockOptions } from './core/hold.js';
import { checkLockName } from './core/lock-name.js';
import type { Lock } from './core/lock.js';
import { resolveRetry, type RetryOptions } from './core/retry.js';
import type { LimitedOptions, StoreLimits } from './core/store-limits.js';
import { compileKeyTemplate, type KeyOf, type MethodLocation } from './key-template.js';
import {
  LockKeyError,
  LockOptionsError,
  type LockBusyError,
  type LockLostError,
} from './lock.errors.js';
import type { LockService } from './lock.service.js';
import { runLocked } from './locked-call.js';
import { kindOfMethod, type MethodKind, originalOf, replaceMethod } from './locked-method.js';
import { declareLockService, lockServiceOf } from './locked-service-property.js';
import { declareUse } from './locked-uses.js';

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
 * What a decorated method does where it cannot have its lock, or has lost it.
 *
 * @example
 * const options: LockedMethodOptions = { onBusy: 'skip' };
 */
export interface LockedMethodOptions {
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
   * the method ended; what it returns is the call's result. The loss has the method's `result`, or
   * the `error` that it threw.
   */
  readonly compensate?: (this: any, loss: LockLostError, ...args: any[]) => unknown;
  /**
   * Runs the method again if its lock was lost before it ended: for work that may be repeated, in
   * methods that return a promise.
   */
  readonly retry?: RetryOptions;
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

/** What one decorator adds to the rest. */
export interface LockDecoration<Names> {
  /** What messages call it, such as `@Locked`. */
  readonly decorator: string;
  readonly options: LockedMethodOptions;
  /** All options that there are. */
  readonly known: ReadonlySet<string>;
  readonly minHold: Duration | undefined;
  /** Checks the options that `withLock` is given, when the class is defined, and tells what they ask for. */
  check(what: string, kind: MethodKind): LimitedOptions;
  /** Why a store cannot keep that, if it cannot. */
  problemWith(limits: StoreLimits, asked: LimitedOptions): string | undefined;
  /** Does the work of one call under its lock. */
  hold<T>(
    service: LockService,
    names: Names,
    work: (lock: Lock) => T | PromiseLike<T>,
    options: WithLockOptions<T>,
    call: MethodCall,
  ): Promise<T>;
}

/** What a decorated method was called on, and with. */
export interface MethodCall {
  /** Class and method, for messages. */
  readonly owner: string;
  readonly instance: object;
  readonly args: readonly unknown[];
  /** The template; of a function, class and method. */
  readonly label: string;
}

/** Has the method run under a lock of the names that its arguments make. */
export function decorateMethod<Names>(
  decoration: LockDecoration<Names>,
  target: object,
  propertyKey: string | symbol,
  descriptor: PropertyDescriptor,
  key: unknown,
  compile: (method: Function, where: MethodLocation, owner: string) => NamesOf<Names>,
): void {
  const { decorator, options } = decoration;
  const where = locate(target, propertyKey, decorator);
  const owner = `${where.className}.${where.methodName}`;
  const what = `${decorator} on ${owner}`;
  const method = methodOf(target, descriptor, owner, decorator);
  checkMethodOptions(decoration, what);
  const namesOf = compile(originalOf(method), where, owner);
  const kind = kindOfMethod(target, propertyKey, method, options.returns, owner);
  checkRetry(options.retry, kind, what);
  const asked = decoration.check(what, kind);
  const { using } = options;
  const property = declareLockService(target, using);
  const problemWith = (limits: StoreLimits) => decoration.problemWith(limits, asked);
  declareUse(target, { what, method: propertyKey, using, property, problemWith });
  const label = labelOf(key, owner);
  const { minHold } = decoration;
  const minHoldMs =
    minHold === undefined ? Infinity : parseDuration(minHold, owner, MIN_HOLD_BOUNDS);

  descriptor.value = replaceMethod(method, (instance, args, proceed) =>
    runLocked(kind, {
      owner,
      instance,
      args,
      proceed,
      onBusy: options.onBusy ?? 'throw',
      compensate: options.compensate,
      retry: options.retry,
      skipped: (error) => {
        const isMissed = isMissedBy(error, minHoldMs);
        const { lockName: name, holder } = error;
        const service: Partial<LockService> = lockServiceOf(instance, property, owner);
        service.emit?.({
          type: 'skipped',
          name,
          reason: 'busy',
          holder: holder?.holder ?? null,
          isMissed,
        });
      },
      hold: (work, holdOptions) => {
        const service = lockServiceOf(instance, property, owner);
        const call = { owner, instance, args, label };
        return decoration.hold(service, namesOf(instance, args), work, holdOptions, call);
      },
    }),
  );
}

/** What its locks have in common; several templates are one label. */
function labelOf(key: unknown, owner: string): string {
  const text =
    typeof key === 'function' ? owner : Array.isArray(key) ? key.join(', ') : String(key);
  return text.slice(0, LONGEST_LABEL);
}

/** Whether the one in the way began so long ago that it is not of the same tick. */
function isMissedBy({ holder }: LockBusyError, minHoldMs: number): boolean {
  return holder !== null && Date.now() - holder.since.getTime() > minHoldMs;
}

/** What a stream has given already cannot be taken back. */
function checkRetry(retry: RetryOptions | undefined, kind: MethodKind, what: string): void {
  if (retry === undefined) return;
  resolveRetry(retry, what);
  if (kind === 'promise') return;
  throw new LockOptionsError(
    `${what}: "retry" is for methods that return a promise, and this one returns an ${kind}. Leave it out.`,
  );
}

/** Makes the names of one call from its object and arguments. */
export type NamesOf<Names> = (instance: object, args: readonly unknown[]) => Names;

function checkMethodOptions(decoration: LockDecoration<never>, what: string): void {
  const { options, known } = decoration;
  refuseUnknownOptions(options, known, what);
  const { using, onBusy = 'throw', compensate } = options;
  if (onBusy !== 'throw' && onBusy !== 'skip' && typeof onBusy !== 'function') {
    throw new LockOptionsError(
      `${what}: "onBusy" is ${describeValue(onBusy)}; write 'throw', 'skip' or a function.`,
    );
  }
  checkCompensate(compensate, what);
  if (using !== undefined && (typeof using !== 'string' || using === '')) {
    throw new LockOptionsError(
      `${what}: "using" is ${describeValue(using)}; write the name of a LockModule.`,
    );
  }
}

function locate(
  target: object | undefined,
  propertyKey: string | symbol,
  decorator: string,
): MethodLocation {
  if (target === undefined || typeof propertyKey === 'object') {
    throw new LockOptionsError(
      `${decorator} is a decorator of the kind that Nest uses: set "experimentalDecorators": true in tsconfig.json.`,
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
  decorator: string,
): (...args: unknown[]) => unknown {
  if (typeof target === 'function') {
    throw new LockOptionsError(
      `${owner} is static: ${decorator} needs a method of an object that Nest makes. Make it an instance method, or use LockService.`,
    );
  }
  if (typeof descriptor?.value === 'function') {
    return descriptor.value as (...args: unknown[]) => unknown;
  }
  throw new LockOptionsError(`${owner} is no method: put ${decorator} on a method of a class.`);
}

/** One name, from a template or a function. */
export function compileKey(
  key: unknown,
  method: Function,
  where: MethodLocation,
  owner: string,
  decorator: string,
): KeyOf {
  if (typeof key === 'string') return checkedNameOf(compileKeyTemplate(key, method, where), owner);
  if (typeof key === 'function') {
    return checkedNameOf((instance, args) => Reflect.apply(key, instance, args) as string, owner);
  }
  throw new LockOptionsError(
    `${owner}: the key of ${decorator} is ${describeValue(key)}; write a template such as 'invoice:<id>', or a function.`,
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
