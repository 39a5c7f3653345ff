import { AsyncResource } from 'node:async_hooks';
import { isObservable, Observable, Subject, type Subscription, takeUntil } from 'rxjs';
import type { WithLockOptions } from './core/hold.js';
import type { Lock } from './core/lock.js';
import { LockBusyError, type LockLostError, LockOptionsError } from './lock.errors.js';
import type { BusyContext, LockedMethodOptions } from './lock-decorator.js';
import type { MethodKind } from './locked-method.js';

/** One call of a decorated method. */
export interface LockedCall {
  /** Class and method, for messages. */
  readonly owner: string;
  readonly instance: object;
  readonly args: readonly unknown[];
  readonly proceed: () => unknown;
  readonly onBusy: NonNullable<LockedMethodOptions['onBusy']>;
  readonly compensate: LockedMethodOptions['compensate'];
  readonly retry: LockedMethodOptions['retry'];
  /** It is not run, since somebody else has the lock. */
  skipped(error: LockBusyError): void;
  /** Throws, and so must be called where a throw becomes what the method returns. */
  hold<T>(work: (lock: Lock) => T | PromiseLike<T>, options: WithLockOptions<T>): Promise<T>;
}

export function runLocked(kind: MethodKind, call: LockedCall): unknown {
  switch (kind) {
    case 'promise':
      return promiseUnderLock(call);
    case 'observable':
      return observableUnderLock(call);
    case 'async-generator':
      return generatorUnderLock(call);
  }
}

async function promiseUnderLock(call: LockedCall): Promise<unknown> {
  const outcome = await underLock(call, async () => {
    const result: unknown = await call.proceed();
    refuseLateResult(result, call.owner);
    return result;
  });
  return 'busy' in outcome ? onBusy(call, outcome.busy) : outcome.result;
}

/** Held from subscription to the end, one lock a subscription. */
function observableUnderLock(call: LockedCall): Observable<unknown> {
  return new Observable((subscriber) => {
    const unsubscribed = new AbortController();
    const stopped = new Subject<void>();
    let fallback: Subscription | undefined;

    const consume = (lock: Lock): Promise<void> =>
      new Promise((resolve, reject) => {
        const stop = (): void => stopped.next();
        unsubscribed.signal.addEventListener('abort', stop);
        lock.signal.addEventListener('abort', stop);
        const source = call.proceed() as Observable<unknown>;
        // Not by its subscription: a source that emits at once is not to be had by that yet.
        source.pipe(takeUntil(stopped)).subscribe({
          next: (value) => subscriber.next(value),
          error: reject,
          complete: resolve,
        });
        if (unsubscribed.signal.aborted || lock.signal.aborted) stop();
      });

    const run = async (): Promise<void> => {
      const outcome = await underLock(call, consume, unsubscribed.signal);
      const last = 'busy' in outcome ? await onBusy(call, outcome.busy) : outcome.result;
      if (isObservable(last)) fallback = last.subscribe(subscriber);
      else {
        if (last !== undefined) subscriber.next(last);
        subscriber.complete();
      }
    };

    run().catch((error: unknown) => subscriber.error(error));
    return () => {
      unsubscribed.abort();
      fallback?.unsubscribe();
    };
  });
}

/** Held while it is iterated: from the first `next` to the end, a `return` or a `throw`. */
async function* generatorUnderLock(call: LockedCall): AsyncGenerator<unknown, unknown, unknown> {
  const iteration = new Deferred<unknown>();
  const started = new Deferred<{ lock: Lock; context: AsyncResource }>();
  const outcome = underLock(call, (lock) => {
    started.resolve({ lock, context: new AsyncResource('LockedGenerator') });
    return iteration.promise;
  });
  const first = await Promise.race([started.promise, outcome]);
  if ('busy' in first) return yield* iterateFallback(await onBusy(call, first.busy));
  if ('result' in first) return first.result;

  let ended: Awaited<typeof outcome>;
  try {
    const source = first.context.runInAsyncScope(call.proceed) as AsyncGenerator;
    iteration.resolve(yield* inContext(source, first.context, first.lock));
  } catch (error) {
    iteration.reject(error);
  } finally {
    iteration.resolve(undefined); // the consumer has stopped early, if it was not settled above
    ended = await outcome;
  }
  return 'result' in ended ? ended.result : undefined;
}

/** Runs each step where `current()` finds the lock, and ends the iteration once that is lost. */
function inContext(
  source: AsyncGenerator,
  context: AsyncResource,
  lock: Lock,
): AsyncGenerator<unknown, unknown, unknown> {
  const step = <T>(take: () => Promise<T>): Promise<T> => context.runInAsyncScope(take);
  return {
    next: (value) =>
      step(() => (lock.signal.aborted ? source.throw(lock.signal.reason) : source.next(value))),
    return: (value) => step(() => source.return(value)),
    throw: (error) => step(() => source.throw(error)),
    [Symbol.asyncIterator]() {
      return this;
    },
    [Symbol.asyncDispose]: async () => {
      await step(() => source.return(undefined));
    },
  };
}

async function* iterateFallback(fallback: unknown): AsyncGenerator<unknown, unknown, unknown> {
  if (isAsyncIterable(fallback)) return yield* fallback;
  if (fallback !== undefined) yield fallback;
  return undefined;
}

type Outcome<T> = { readonly result: T } | { readonly busy: LockBusyError };

/** Tells a busy lock of this method from one that the method itself has met. */
async function underLock<T>(
  call: LockedCall,
  work: (lock: Lock) => T | PromiseLike<T>,
  signal?: AbortSignal,
): Promise<Outcome<T>> {
  const { args, compensate, instance, retry } = call;
  const options: WithLockOptions<T> = {
    ...(retry && { retry }),
    ...(signal && { signal }),
    ...(compensate && {
      compensate: (loss: LockLostError) => compensate.apply(instance, [loss, ...args]) as T,
    }),
  };
  let entered = false;
  try {
    const result = await call.hold((lock) => {
      entered = true;
      return work(lock);
    }, options);
    return { result };
  } catch (error) {
    if (!entered && error instanceof LockBusyError) return { busy: error };
    throw error;
  }
}

function onBusy(call: LockedCall, error: LockBusyError): unknown {
  if (call.onBusy === 'throw') throw error;
  call.skipped(error);
  if (call.onBusy === 'skip') return undefined;
  const { args, instance } = call;
  const context: BusyContext = { name: error.lockName, args, instance, error };
  return call.onBusy(context);
}

/** Nothing of it has run yet, so nothing has happened that the caller would not learn. */
function refuseLateResult(result: unknown, owner: string): void {
  const kind = isObservable(result)
    ? 'observable'
    : isAsyncIterable(result) && typeof (result as { next?: unknown }).next === 'function'
      ? 'async-generator'
      : undefined;
  if (!kind) return;
  throw new LockOptionsError(
    `${owner} returned an ${kind === 'observable' ? 'Observable' : 'async generator'}, which starts when the lock is gone. ` +
      `Write @Locked(…, { returns: '${kind}' }), or declare it as the method's return type.`,
  );
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}

class Deferred<T> {
  readonly promise: Promise<T>;
  resolve!: (value: T) => void;
  reject!: (error: unknown) => void;

  constructor() {
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }
}
