import { type AcquireOptions, resolveAcquireOptions } from './core/acquire-options.js';
import { checkPermits } from './core/semaphore.js';
import {
  compileKey,
  decorateMethod,
  type LockDecoration,
  type LockedDecorator,
  type LockedMethodOptions,
} from './lock-decorator.js';

/**
 * How a decorated method takes its permits, and what happens where it cannot.
 *
 * @example
 * @WithPermit('tax-authority', { permits: 4, wait: '1 minute' })
 */
export interface WithPermitOptions
  extends Omit<AcquireOptions, 'signal' | 'onWaiting' | 'mode' | 'reentrant'>, LockedMethodOptions {
  /** How many permits there are; the last declared number counts for everybody. */
  readonly permits: number;
  /** How many of them a call takes, all or none. Default: 1. */
  readonly count?: number;
}

const KNOWN = new Set([
  'permits',
  'count',
  'ttl',
  'wait',
  'maxHold',
  'minHold',
  'minReplicas',
  'renew',
  'label',
  'using',
  'onBusy',
  'compensate',
  'retry',
  'returns',
]);

/**
 * Runs the method while it has a permit of a semaphore: so many calls at a time, over all processes.
 *
 * The key is a template as `@Locked` has it, or a function of the method's arguments.
 *
 * @throws LockOptionsError when the class is defined, if key, options or method do not fit
 * @throws LockBusyError from the call, unless `onBusy` says otherwise; all that `@Locked` throws
 * @example
 * @WithPermit('tax-authority', { permits: 4 })
 * async submit(invoice: Invoice): Promise<Receipt> { … }
 */
export function WithPermit(key: string, options: WithPermitOptions): LockedDecorator;
export function WithPermit<Args extends readonly unknown[]>(
  key: (this: any, ...args: Args) => string,
  options: WithPermitOptions,
): LockedDecorator<Args>;
export function WithPermit(
  key: string | ((...args: any[]) => string),
  options: WithPermitOptions,
): LockedDecorator {
  const { permits, count = 1, onBusy = 'throw', ...others } = options ?? {};
  const { using: _using, compensate: _c, retry: _retry, returns: _r, ...given } = others;
  const acquireOptions = onBusy === 'throw' ? given : { ...given, wait: given.wait ?? 0 };
  const decoration: LockDecoration<string> = {
    decorator: '@WithPermit',
    options,
    known: KNOWN,
    minHold: given.minHold,
    check: (what) => {
      checkPermits(permits, count, what);
      return resolveAcquireOptions(given, { ttlMs: 0, waitMs: 0 }, () => what);
    },
    problemWith: (limits, asked) => limits.semaphores ?? limits.against(asked),
    hold: (service, name, work, holdOptions, { label }) =>
      service
        .semaphore(name, permits)
        .withPermit(work, { label, ...acquireOptions, ...holdOptions, count }),
  };
  return (target, propertyKey, descriptor: PropertyDescriptor) =>
    decorateMethod(decoration, target, propertyKey, descriptor, key, (method, where, owner) =>
      compileKey(key, method, where, owner, '@WithPermit'),
    );
}
