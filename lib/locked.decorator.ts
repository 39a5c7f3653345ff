import {
  type AcquireOptions,
  refuseUnknownOptions,
  resolveAcquireOptions,
} from './core/acquire-options.js';
import { describeValue } from './core/describe-value.js';
import type { Duration } from './core/duration.js';
import { checkLockName } from './core/lock-name.js';
import {
  checkJobName,
  type OnceTerms,
  resolveTerms,
  TERMS,
  type UnknownOutcome,
} from './jobs/once-options.js';
import {
  compileKey,
  decorateMethod,
  type LockDecoration,
  type LockedDecorator,
  type LockedMethodOptions,
  type MethodCall,
} from './lock-decorator.js';
import { LockKeyError, LockOptionsError } from './lock.errors.js';
import type { OnceOptions } from './lock.service.js';
import type { MethodKind } from './locked-method.js';

/**
 * How a decorated method takes its lock, and what happens where it cannot.
 *
 * @example
 * @Locked('nightly-report', { onBusy: 'skip', ttl: '1 minute' })
 */
export interface LockedOptions
  extends Omit<AcquireOptions, 'signal' | 'onWaiting'>, LockedMethodOptions {
  /**
   * Runs the method once per key, and not again until that time has passed: a later call returns
   * undefined, or the stored result. A throw leaves it open for another try.
   */
  readonly once?: Duration | LockedOnceOptions;
}

/**
 * How a decorated method is run once per key.
 *
 * @example
 * @Locked('invoice:<id>', { once: { retention: '30d', storeResult: true, onUnknown: 'hold' } })
 */
export interface LockedOnceOptions extends OnceTerms {
  /** By what it is listed. Default: what stands before the first colon of the name. */
  readonly job?: string;
  /**
   * `true`: the same key with other arguments is a FingerprintError; a function of the arguments
   * gives what counts of them. Default: false.
   */
  readonly fingerprint?: boolean | ((this: any, ...args: any[]) => unknown);
}

const KNOWN = new Set([
  'ttl',
  'wait',
  'maxHold',
  'minHold',
  'minReplicas',
  'mode',
  'reentrant',
  'renew',
  'label',
  'using',
  'onBusy',
  'compensate',
  'retry',
  'returns',
  'once',
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
 * With `once` it runs once per key: who comes later is told so by the same step that would take the lock.
 *
 * @throws LockOptionsError when the class is defined, if key, options or method do not fit
 * @throws LockBusyError from the call, unless `onBusy` says otherwise; all that `acquire` throws
 * @throws LockKeyError from the call, if a value in the key is missing, empty or has no text
 * @throws LockLostError from the call, if the method returned although its lock was lost
 * @throws LockServiceMissingError from the call, on an object that Nest did not make
 * @throws OutcomeUnknownError, FingerprintError, ResultNotStoredError from the call, with `once`
 * @example
 * @Locked('invoice:<invoice.id>')
 * async issue(invoice: Invoice): Promise<void> { … }
 *
 * @Cron('0 3 * * *')
 * @Locked('nightly-report', { onBusy: 'skip' })
 * async report(): Promise<void> { … }
 *
 * @Locked('invoice:<invoice.id>', { once: '30d' })
 * async submit(invoice: Invoice): Promise<void> { … }
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
  const { onBusy = 'throw', once, ...others } = options ?? {};
  const { using: _using, compensate: _c, retry: _retry, returns: _r, ...given } = others;
  const acquireOptions = onBusy === 'throw' ? given : { ...given, wait: given.wait ?? 0 };
  const decoration: LockDecoration<string | readonly string[]> = {
    decorator: '@Locked',
    options,
    known: KNOWN,
    minHold: given.minHold,
    check: (what, kind) => {
      const asked = resolveAcquireOptions(given, { ttlMs: 0, waitMs: 0 }, () => what);
      if (once !== undefined) checkOnce(once, key, given, kind, what);
      return asked;
    },
    problemWith: (limits, asked) =>
      limits.against(asked) ?? (once === undefined ? undefined : limits.once),
    hold: async (service, names, work, holdOptions, call) => {
      const taken = { label: call.label, ...acquireOptions, ...holdOptions };
      if (once === undefined) return service.withLock(names, work, taken);
      const terms = { ...taken, ...onceOptionsOf(once, call) };
      return (await service.once(oneOf(names, call), work, terms)).result!;
    },
  };
  return (target, propertyKey, descriptor: PropertyDescriptor) =>
    decorateMethod(decoration, target, propertyKey, descriptor, key, (method, where, owner) => {
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

function checkOnce(
  once: Duration | LockedOnceOptions,
  key: unknown,
  { mode, reentrant }: AcquireOptions,
  kind: MethodKind,
  what: string,
): void {
  const place = `${what}: "once"`;
  const terms = termsOf(once);
  refuseUnknownOptions(terms, ONCE_OPTIONS, place);
  resolveTerms(terms, place);
  const { job, fingerprint = false } = terms;
  if (job !== undefined) checkJobName(job, `${place}: "job"`);
  if (typeof fingerprint !== 'boolean' && typeof fingerprint !== 'function') {
    throw new LockOptionsError(
      `${place}: "fingerprint" is ${describeValue(fingerprint)}; write true, or a function of the arguments.`,
    );
  }
  const refuse = (problem: string): never => {
    throw new LockOptionsError(`${place} ${problem}`);
  };
  if (kind !== 'promise') refuse(`is for methods that return a promise, not an ${kind}.`);
  if (Array.isArray(key)) refuse('is for one key, not for several. Lock the others in the method.');
  if (mode === 'shared') refuse(`cannot be shared: leave "mode" out.`);
  if (reentrant !== undefined) refuse('is never re-entrant: leave "reentrant" out.');
}

const ONCE_OPTIONS = new Set([...TERMS, 'job', 'fingerprint']);

const termsOf = (once: Duration | LockedOnceOptions): LockedOnceOptions =>
  typeof once === 'object' ? once : { retention: once };

function onceOptionsOf(
  once: Duration | LockedOnceOptions,
  { instance, args }: MethodCall,
): Pick<OnceOptions<any>, 'fingerprint' | 'onUnknown' | 'job' | 'retention' | 'storeResult'> {
  const { fingerprint, onUnknown, ...terms } = termsOf(once);
  return {
    ...terms,
    ...(typeof fingerprint === 'function' && {
      fingerprint: Reflect.apply(fingerprint, instance, args) as unknown,
    }),
    ...(fingerprint === true && { fingerprint: args }),
    ...(onUnknown !== undefined && {
      onUnknown:
        typeof onUnknown === 'function'
          ? (context: UnknownOutcome) => onUnknown.call(instance, { ...context, args, instance })
          : onUnknown,
    }),
  };
}

function oneOf(names: string | readonly string[], { owner }: MethodCall): string {
  if (typeof names === 'string') return names;
  if (names.length === 1) return names[0]!;
  throw new LockKeyError(
    `${owner}: "once" is for one name, and the function returned ${names.length}.`,
  );
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
